import type { SavedTrialKey, TpmValidationOptions } from '@countersign/conformance';
import { JsonObject, parseJsonDocument, readFileIfExists, writeFileAtomic } from '@countersign/state';

/**
 * A key from before a restart of the machine: used if the file is there, else made and kept there for the next run.
 * @throws CountersignError `STATE_DAMAGED` for a file that is something else
 */
export async function keptKeyOptions(
  path: string,
): Promise<Pick<TpmValidationOptions, 'keyFromEarlierRun' | 'keepKey'>> {
  const bytes = await readFileIfExists(path, { maxBytes: 64 * 1024 });
  if (bytes !== undefined) return { keyFromEarlierRun: parse(bytes, path) };
  return {
    keepKey: async ({ key, resetCount }) =>
      writeFileAtomic(path, `${JSON.stringify({ format, version: 1, resetCount, key }, null, 2)}\n`),
  };
}

const format = 'countersign-tpm-trial-key';

function parse(bytes: Uint8Array, path: string): SavedTrialKey {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', [format]);
  document.integer('version', { min: 1, max: 1 });
  const saved = {
    resetCount: document.integer('resetCount', { min: 0, max: 0xffff_ffff }),
    key: document.string('key'),
  };
  document.end();
  return saved;
}
