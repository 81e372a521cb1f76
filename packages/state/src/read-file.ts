import { open, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CountersignError } from '@countersign/core';
import { errnoOf, fileUnreadable } from './file-error.ts';

export interface ReadFileOptions {
  /** A longer file is refused before it fills the memory; default 16 MiB. */
  readonly maxBytes?: number;
}

/**
 * The content of a file.
 * @throws CountersignError `FILE_UNREADABLE` if it is missing, unreadable or longer than `maxBytes`.
 */
export async function readFileBytes(path: string, options: ReadFileOptions = {}): Promise<Uint8Array> {
  const file = resolve(path);
  try {
    const handle = await open(file, 'r');
    try {
      return await readBounded(handle, file, options.maxBytes ?? defaultMaxBytes);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    throw fileUnreadable(file, error);
  }
}

/**
 * The content of a file, or undefined if there is none.
 * @throws CountersignError `FILE_UNREADABLE` if it is unreadable or longer than `maxBytes`.
 */
export async function readFileIfExists(
  path: string,
  options: ReadFileOptions = {},
): Promise<Uint8Array | undefined> {
  try {
    return await readFileBytes(path, options);
  } catch (error) {
    if (error instanceof CountersignError && errnoOf(error.cause) === 'ENOENT') return undefined;
    throw error;
  }
}

const defaultMaxBytes = 16 * 1024 * 1024;

async function readBounded(handle: FileHandle, file: string, maxBytes: number): Promise<Uint8Array> {
  const { size } = await handle.stat();
  if (size > maxBytes) throw tooLarge(file, maxBytes);
  // The size is only a first guess: a file may grow meanwhile, and a pipe (as in `--pin-file <(…)`) has none.
  let buffer = new Uint8Array(Math.min(size, maxBytes) + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
    if (length > maxBytes) throw tooLarge(file, maxBytes);
    if (length === buffer.length) {
      const larger = new Uint8Array(Math.min(Math.max(2 * length, 4096), maxBytes + 1));
      larger.set(buffer);
      buffer.fill(0);
      buffer = larger;
    }
  }
}

function tooLarge(file: string, maxBytes: number): CountersignError {
  return new CountersignError(
    'FILE_UNREADABLE',
    `${file} is longer than the ${maxBytes} bytes that are accepted`,
    'Check that it is the file that was meant.',
  );
}
