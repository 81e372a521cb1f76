import { dirname, resolve } from 'node:path';
import { CountersignError } from '@countersign/core';
import { JsonObject, parseJsonDocument, readFileIfExists } from '@countersign/state';

/**
 * Reads a file of settings that people write: `{"format": …, "version": 1, …}`.
 * @param read is given the folder of the file, from which relative paths in it go
 * @throws CountersignError `CONFIGURATION_INVALID` that names file and field, `STATE_MISSING` if there is no such file
 */
export async function readJsonFile<T>(
  path: string,
  format: string,
  read: (document: JsonObject, folder: string) => T | Promise<T>,
): Promise<T> {
  const bytes = await readFileIfExists(path);
  if (bytes === undefined) {
    throw new CountersignError(
      'STATE_MISSING',
      `there is no file ${path}`,
      'Correct the path, or write one.',
    );
  }
  try {
    const document = JsonObject.from(parseJsonDocument(bytes, path), path);
    document.oneOf('format', [format]);
    document.integer('version', { min: 1, max: 1 });
    const settings = await read(document, dirname(resolve(path)));
    document.end();
    return settings;
  } catch (error) {
    // What a program wrote would be damaged; what a person wrote is to be corrected.
    if (!(error instanceof CountersignError) || error.code !== 'STATE_DAMAGED') throw error;
    throw new CountersignError('CONFIGURATION_INVALID', error.message, 'Correct the file.', { cause: error });
  }
}
