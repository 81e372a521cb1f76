import { realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CountersignError } from '@countersign/core';
import type { Pkcs11Uri } from './pkcs11-uri.ts';

/**
 * The module's file, symbolic links resolved, so that one module has one name however it is reached.
 * @throws CountersignError `PROVIDER_NOT_AVAILABLE`
 */
export async function findModule(
  { modulePath, moduleName }: Pkcs11Uri,
  searchDirectories: readonly string[] = defaultDirectories,
): Promise<string> {
  const candidates = await candidatePaths(modulePath, moduleName, searchDirectories);
  for (const candidate of candidates) {
    if (await isFile(candidate)) return realpath(candidate);
  }
  throw new CountersignError(
    'PROVIDER_NOT_AVAILABLE',
    candidates.length === 0
      ? 'the reference names no PKCS#11 module'
      : `there is no PKCS#11 module at ${candidates.join(', ')}`,
    'Give the absolute path of the module: pkcs11:?module-path=/usr/lib/softhsm/libsofthsm2.so',
  );
}

/** Whether a file is the module that a `module-name` stands for. */
export function hasModuleName(path: string, moduleName: string): boolean {
  const file = basename(path);
  return fileNames(moduleName).some((name) => file === name || file.startsWith(`${name}.`));
}

async function candidatePaths(
  modulePath: string | undefined,
  moduleName: string | undefined,
  searchDirectories: readonly string[],
): Promise<readonly string[]> {
  const names = moduleName === undefined ? [] : fileNames(moduleName);
  if (modulePath !== undefined) {
    // RFC 7512 2.4: a module-path may be a directory, and the module-name then says which file in it.
    return names.length > 0 && !(await isFile(modulePath))
      ? names.map((name) => join(modulePath, name))
      : [modulePath];
  }
  return searchDirectories.flatMap((directory) => names.map((name) => join(directory, name)));
}

/** Where distributions put modules. */
const defaultDirectories = [
  '/usr/lib/x86_64-linux-gnu/pkcs11',
  '/usr/lib/aarch64-linux-gnu/pkcs11',
  '/usr/lib64/pkcs11',
  '/usr/lib/pkcs11',
  '/usr/lib/softhsm',
  '/usr/lib/x86_64-linux-gnu/softhsm',
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/local/lib',
  '/opt/homebrew/lib',
];

/** RFC 7512 2.4: without the platform's prefix and suffix. */
function fileNames(moduleName: string): readonly string[] {
  return ['.so', '.dylib', '.dll'].flatMap((suffix) => [
    `lib${moduleName}${suffix}`,
    `${moduleName}${suffix}`,
  ]);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}
