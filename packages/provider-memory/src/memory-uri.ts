import { isAbsolute } from 'node:path';
import { CountersignError } from '@countersign/core';

/** What a `memory:` reference says. An attribute that is absent matches any key; all present ones must match. */
export interface MemoryUri {
  /** 16 bytes, lower-case hex: names one key. */
  readonly id?: string;
  /** The key's label, whole and with regard to case. */
  readonly object?: string;
  /** Absolute path of the directory that holds the sealed keys. */
  readonly store?: string;
}

/**
 * Reads `memory:[id=…][;object=…][?store=…]`, in the manner of RFC 7512: path attributes separated by `;`, values
 * percent-encoded UTF-8, each attribute at most once.
 * @throws CountersignError `KEY_REFERENCE_MALFORMED` for anything else.
 */
export function parseMemoryUri(uri: string): MemoryUri {
  const scheme = /^memory:/i.exec(uri);
  if (scheme === null) throw malformed(uri, 'it does not begin with "memory:"');
  const rest = uri.slice(scheme[0].length);
  const queryAt = rest.indexOf('?');
  const path = queryAt < 0 ? rest : rest.slice(0, queryAt);
  const query = queryAt < 0 ? undefined : rest.slice(queryAt + 1);
  const pathAttributes = readAttributes(uri, path, ';', ['id', 'object'], pathValue);
  const queryAttributes = readAttributes(uri, query ?? '', '&', ['store'], queryValue);
  if (query === '') throw malformed(uri, 'nothing follows the question mark');

  const id = pathAttributes.get('id')?.toLowerCase();
  const object = pathAttributes.get('object');
  const store = queryAttributes.get('store');
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
  const path = [
    ...(parts.id === undefined ? [] : [`id=${parts.id.toLowerCase()}`]),
    ...(parts.object === undefined ? [] : [`object=${percentEncode(parts.object)}`]),
  ].join(';');
  // The slash may stand for itself in a query (RFC 3986 3.4) and keeps paths readable.
  const query =
    parts.store === undefined ? '' : `?store=${parts.store.split('/').map(percentEncode).join('/')}`;
  return `memory:${path}${query}`;
}

/** RFC 7512 2.3, pk11-pchar and pk11-qchar; what separates attributes there must be percent-encoded. */
const pathValue = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=&]|%[0-9A-Fa-f]{2})*$/;
const queryValue = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=/?|]|%[0-9A-Fa-f]{2})*$/;

function readAttributes(
  uri: string,
  text: string,
  separator: string,
  known: readonly string[],
  valuePattern: RegExp,
): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  if (text === '') return attributes;
  for (const attribute of text.split(separator)) {
    const equals = attribute.indexOf('=');
    const name = equals < 0 ? attribute : attribute.slice(0, equals);
    if (equals < 0 || !known.includes(name)) {
      throw malformed(uri, `"${shown(attribute)}" is none of the attributes ${known.join(', ')}`);
    }
    if (attributes.has(name)) throw malformed(uri, `the attribute ${name} stands twice`);
    const value = attribute.slice(equals + 1);
    if (!valuePattern.test(value)) {
      throw malformed(uri, `the value of ${name} has a character that must be percent-encoded`);
    }
    attributes.set(name, percentDecode(uri, name, value));
  }
  return attributes;
}

function checkValues(parts: MemoryUri, uri: string): void {
  if (parts.id !== undefined && !/^[0-9a-f]{32}$/i.test(parts.id)) {
    throw malformed(uri, 'the id is not 32 hex digits');
  }
  if (parts.object?.isWellFormed() === false) throw malformed(uri, 'the object is not well-formed Unicode');
  const { store } = parts;
  if (store !== undefined && (!isAbsolute(store) || store.includes('\0') || !store.isWellFormed())) {
    throw malformed(uri, 'the store is not an absolute path');
  }
}

function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function percentDecode(uri: string, name: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw malformed(uri, `the value of ${name} is not UTF-8`);
  }
}

function malformed(uri: string, problem: string): CountersignError {
  return new CountersignError(
    'KEY_REFERENCE_MALFORMED',
    `"${shown(uri)}" is not a memory key reference: ${problem}`,
    'Write memory:id=<32 hex digits> or memory:object=<label>, with ?store=<absolute path> for keys in another directory.',
  );
}

function shown(text: string): string {
  const printable = JSON.stringify(text.slice(0, 200)).slice(1, -1);
  return text.length > 200 ? `${printable}…` : printable;
}
