import { CountersignError } from '@countersign/core';

export function fileUnwritable(path: string, action: string, cause: unknown): CountersignError {
  const code = errnoOf(cause);
  return new CountersignError(
    'FILE_UNWRITABLE',
    `cannot ${action} ${path}: ${inWords(code, cause)}`,
    hintFor(code),
    { cause },
  );
}

export function fileUnreadable(path: string, cause: unknown): CountersignError {
  const code = errnoOf(cause);
  return new CountersignError(
    'FILE_UNREADABLE',
    `cannot read ${path}: ${inWords(code, cause)}`,
    code === 'ENOENT' ? 'Check the path; the file is expected to exist.' : hintFor(code),
    { cause },
  );
}

/** The symbolic errno of a failed system call (`ENOENT`), or undefined if the error is none. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const words: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'no space is left on the file system'],
  ['EDQUOT', 'the disk quota of this user is used up'],
  ['EROFS', 'the file system is read-only'],
  ['EACCES', 'permission is denied'],
  ['EPERM', 'the operation is not permitted'],
  ['ENOENT', 'it does not exist'],
  ['ENOTDIR', 'a part of the path is not a directory'],
  ['EISDIR', 'it is a directory, a file was expected'],
  ['ELOOP', 'the path has too many symbolic links'],
  ['ENAMETOOLONG', 'the name is too long for the file system'],
  ['EMFILE', 'this process has too many open files'],
  ['ENFILE', 'the system has too many open files'],
  ['EFBIG', 'the file would be larger than allowed'],
  ['EIO', 'the device reported an input/output error'],
  ['EXDEV', 'source and target lie on different file systems'],
  ['ENOTSUP', 'the file system does not support the operation'],
  ['EBUSY', 'it is in use'],
]);

function inWords(code: string | undefined, cause: unknown): string {
  const text = code === undefined ? undefined : words.get(code);
  if (text !== undefined && code !== undefined) return `${text} (${code})`;
  return cause instanceof Error ? cause.message : String(cause);
}

function hintFor(code: string | undefined): string {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'Free some space and try again; what was there before is unchanged.';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'Check who owns the file and its directory and how the file system is mounted.';
    case 'ENOENT':
    case 'ENOTDIR':
      return 'Check the path; the directory must exist.';
    case undefined:
    default:
      return 'Put the named condition right and try again.';
  }
}
