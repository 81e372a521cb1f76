import { resolve } from 'node:path';
import { CountersignError } from '@countersign/core';
import type { KeyStore } from './key-store.ts';
import { formatMemoryUri, parseMemoryUri } from './memory-uri.ts';
import type { StoredKey } from './stored-key.ts';

/** The reference that matches this key alone. */
export function refOf(store: KeyStore, id: string): string {
  return formatMemoryUri({ id, ...(store.directory === undefined ? {} : { store: store.directory }) });
}

/**
 * The one key that a reference matches.
 * @throws CountersignError `KEY_REFERENCE_MALFORMED`, `KEY_NOT_FOUND`, `KEY_HELD_ELSEWHERE`, `KEY_AMBIGUOUS`
 */
export async function lookUp(store: KeyStore, ref: string): Promise<StoredKey> {
  const { id, object, store: directory } = parseMemoryUri(ref);
  if (directory !== undefined && (store.directory === undefined || resolve(directory) !== store.directory)) {
    throw refused(
      'KEY_HELD_ELSEWHERE',
      ref,
      `it names the store ${directory}, this provider ${store.directory === undefined ? 'keeps keys in its process only' : `uses ${store.directory}`}`,
    );
  }
  const candidates = id === undefined ? await store.list() : withoutUndefined(await store.find(id));
  const matches = candidates.filter((key) => object === undefined || key.label === object);
  const [first, ...others] = matches;
  if (first === undefined)
    throw refused('KEY_NOT_FOUND', ref, `none of the keys in ${placeOf(store)} matches`);
  if (others.length > 0) throw ambiguous(ref, store, matches);
  return first;
}

function withoutUndefined(key: StoredKey | undefined): readonly StoredKey[] {
  return key === undefined ? [] : [key];
}

function refused(code: 'KEY_NOT_FOUND' | 'KEY_HELD_ELSEWHERE', ref: string, why: string): CountersignError {
  return new CountersignError(
    code,
    `no key for ${ref}: ${why}`,
    'List the keys of the provider to see which there are.',
  );
}

function ambiguous(ref: string, store: KeyStore, matches: readonly StoredKey[]): CountersignError {
  const listed = matches
    .slice(0, 5)
    .map((key) => `\n  ${refOf(store, key.id)} (${JSON.stringify(key.label)})`);
  const more = matches.length > 5 ? `\n  and ${matches.length - 5} more` : '';
  return new CountersignError(
    'KEY_AMBIGUOUS',
    `${ref} matches ${matches.length} keys:${listed.join('')}${more}`,
    'Use the reference of one of them.',
  );
}

function placeOf(store: KeyStore): string {
  return store.directory ?? 'this process';
}
