import { isAbsolute } from 'node:path';
import {
  formatKeyReference,
  keyReferenceMalformed,
  parseKeyReference,
  type KeyReferenceSyntax,
} from '@countersign/core';

/** What a `memory:` reference says. An attribute that is absent matches any key; all present ones must match. */
export interface MemoryUri {
  /** 16 bytes, lower-case hex: names one key. */
  readonly id?: string;
  /** The key's label, whole and with regard to case. */
  readonly object?: string;
  /** Absolute path of the directory that holds the sealed keys. */
  readonly store?: string;
}

const syntax: KeyReferenceSyntax = {
  scheme: 'memory',
  path: ['id', 'object'],
  query: ['store'],
  hint: 'Write memory:id=<32 hex digits> or memory:object=<label>, with ?store=<absolute path> for keys in another directory.',
};

/**
 * Reads `memory:[id=…][;object=…][?store=…]`, in the manner of RFC 7512: path attributes separated by `;`, values
 * percent-encoded UTF-8, each attribute at most once.
 * @throws CountersignError `KEY_REFERENCE_MALFORMED` for anything else.
 */
export function parseMemoryUri(uri: string): MemoryUri {
  const attributes = parseKeyReference(uri, syntax);
  const id = attributes.get('id')?.toLowerCase();
  const object = attributes.get('object');
  const store = attributes.get('store');
  const parsed = {
    ...(id === undefined ? {} : { id }),
    ...(object === undefined ? {} : { object }),
    ...(store === undefined ? {} : { store }),
  };
  checkValues(parsed, uri);
  return parsed;
}

/** @throws CountersignError `KEY_REFERENCE_MALFORMED` if `id` is not 32 hex digits or `store` no absolute path. */
export function formatMemoryUri(parts: MemoryUri): string {
  checkValues(parts, 'the reference to be written');
  return formatKeyReference(syntax, { ...parts, id: parts.id?.toLowerCase() });
}

function checkValues({ id, object, store }: MemoryUri, uri: string): void {
  const refuse = (problem: string): never => {
    throw keyReferenceMalformed(uri, syntax, problem);
  };
  if (id !== undefined && !/^[0-9a-f]{32}$/i.test(id)) refuse('the id is not 32 hex digits');
  if (object?.isWellFormed() === false) refuse('the object is not well-formed Unicode');
  if (store !== undefined && (!isAbsolute(store) || store.includes('\0') || !store.isWellFormed())) {
    refuse('the store is not an absolute path');
  }
}
