import { CountersignError } from '../errors.ts';

/** The attributes that references of one provider may have, each at most once. */
export interface KeyReferenceSyntax {
  /** Without the colon. */
  readonly scheme: string;
  /** Before the question mark, separated by `;`. */
  readonly path: readonly string[];
  /** After it, separated by `&`. */
  readonly query: readonly string[];
  /** What a malformed reference is answered with: how to write a right one. */
  readonly hint: string;
}

/**
 * Reads `scheme:[name=value][;name=value…][?name=value[&…]]` in the manner of RFC 7512 2.3, strictly: values are
 * percent-encoded UTF-8, names are known, none stands twice.
 * @returns the decoded values by name
 * @throws CountersignError `KEY_REFERENCE_MALFORMED`
 */
export function parseKeyReference(uri: string, syntax: KeyReferenceSyntax): ReadonlyMap<string, string> {
  const prefix = `${syntax.scheme}:`;
  if (uri.slice(0, prefix.length).toLowerCase() !== prefix) {
    throw keyReferenceMalformed(uri, syntax, `it does not begin with "${prefix}"`);
  }
  const rest = uri.slice(prefix.length);
  const queryAt = rest.indexOf('?');
  const path = queryAt < 0 ? rest : rest.slice(0, queryAt);
  const query = queryAt < 0 ? undefined : rest.slice(queryAt + 1);
  const refuse = (problem: string): never => {
    throw keyReferenceMalformed(uri, syntax, problem);
  };
  if (query === '') refuse('nothing follows the question mark');
  return new Map([
    ...readAttributes(path, ';', syntax.path, pathValue, refuse),
    ...readAttributes(query ?? '', '&', syntax.query, queryValue, refuse),
  ]);
}

/** Writes a reference with the values that are not undefined, in the order of the syntax. */
export function formatKeyReference(
  syntax: KeyReferenceSyntax,
  values: Readonly<Record<string, string | undefined>>,
): string {
  const path = syntax.path.flatMap((name) => attribute(name, values[name], percentEncode)).join(';');
  const query = syntax.query.flatMap((name) => attribute(name, values[name], percentEncodePath)).join('&');
  return `${syntax.scheme}:${path}${query === '' ? '' : `?${query}`}`;
}

export function keyReferenceMalformed(
  uri: string,
  { scheme, hint }: KeyReferenceSyntax,
  problem: string,
): CountersignError {
  return new CountersignError(
    'KEY_REFERENCE_MALFORMED',
    `"${shown(uri)}" is not a ${scheme} key reference: ${problem}`,
    hint,
  );
}

/** RFC 7512 2.3, pk11-pchar and pk11-qchar; what separates attributes there must be percent-encoded. */
const pathValue = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=&]|%[0-9A-Fa-f]{2})*$/;
const queryValue = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=/?|]|%[0-9A-Fa-f]{2})*$/;

function readAttributes(
  text: string,
  separator: string,
  known: readonly string[],
  valuePattern: RegExp,
  refuse: (problem: string) => never,
): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  if (text === '') return attributes;
  for (const each of text.split(separator)) {
    const equals = each.indexOf('=');
    const name = equals < 0 ? each : each.slice(0, equals);
    if (equals < 0 || !known.includes(name)) {
      refuse(`"${shown(each)}" is none of the attributes ${known.join(', ')}`);
    }
    if (attributes.has(name)) refuse(`the attribute ${name} stands twice`);
    const value = each.slice(equals + 1);
    if (!valuePattern.test(value)) {
      refuse(`the value of ${name} has a character that must be percent-encoded`);
    }
    attributes.set(name, percentDecode(value) ?? refuse(`the value of ${name} is not UTF-8`));
  }
  return attributes;
}

function attribute(
  name: string,
  value: string | undefined,
  encode: (value: string) => string,
): readonly string[] {
  return value === undefined ? [] : [`${name}=${encode(value)}`];
}

function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The slash may stand for itself in a query (RFC 3986 3.4) and keeps paths readable. */
function percentEncodePath(text: string): string {
  return text.split('/').map(percentEncode).join('/');
}

function percentDecode(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

function shown(text: string): string {
  const printable = JSON.stringify(text.slice(0, 200)).slice(1, -1);
  return text.length > 200 ? `${printable}…` : printable;
}
