import { resolve } from 'node:path';
import { CountersignError } from '@countersign/core';
import type { StoredTpmKey } from '../keys/key-file.ts';
import { parseTpmUri } from '../keys/tpm-uri.ts';

/** Where a provider's keys are, and how it names them. */
export interface KeysPlace {
  readonly directory: string;
  /** URI of the TPM. */
  readonly transport: string;
  readonly refOf: (id: string) => string;
}

/**
 * The one key that a reference matches.
 * @throws CountersignError `KEY_REFERENCE_MALFORMED`, `KEY_NOT_FOUND`, `KEY_HELD_ELSEWHERE`, `KEY_AMBIGUOUS`
 */
export async function lookUp(
  ref: string,
  { directory, transport, refOf }: KeysPlace,
  readAll: () => Promise<readonly StoredTpmKey[]>,
): Promise<StoredTpmKey> {
  const { id, object, store, transport: named } = parseTpmUri(ref);
  if (named !== undefined && named !== transport) {
    throw refused('KEY_HELD_ELSEWHERE', ref, `it names the TPM ${named}, this provider uses ${transport}`);
  }
  if (store !== undefined && resolve(store) !== directory) {
    throw refused('KEY_HELD_ELSEWHERE', ref, `it names the store ${store}, this provider uses ${directory}`);
  }
  const matches = (await readAll()).filter(
    (key) => (id === undefined || key.id === id) && (object === undefined || key.label === object),
  );
  const [first, ...others] = matches;
  if (first === undefined) throw refused('KEY_NOT_FOUND', ref, `none of the keys in ${directory} matches`);
  if (others.length === 0) return first;
  const listed = matches.slice(0, 5).map((key) => `\n  ${refOf(key.id)} (${JSON.stringify(key.label)})`);
  const more = matches.length > 5 ? `\n  and ${matches.length - 5} more` : '';
  throw new CountersignError(
    'KEY_AMBIGUOUS',
    `${ref} matches ${matches.length} keys:${listed.join('')}${more}`,
    'Use the reference of one of them.',
  );
}

function refused(code: 'KEY_NOT_FOUND' | 'KEY_HELD_ELSEWHERE', ref: string, why: string): CountersignError {
  return new CountersignError(
    code,
    `no key for ${ref}: ${why}`,
    'List the keys of the provider to see which there are.',
  );
}
