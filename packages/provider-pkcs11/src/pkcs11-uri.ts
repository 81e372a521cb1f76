import { isAbsolute } from 'node:path';
import { CountersignError } from '@countersign/core';

/** What a `pkcs11:` reference says (RFC 7512). An attribute that is absent matches anything; all present ones must match. */
export interface Pkcs11Uri {
  /** CK_TOKEN_INFO.label without its padding, and so for the next three. */
  readonly token?: string;
  readonly manufacturer?: string;
  readonly serial?: string;
  readonly model?: string;
  /** CK_SLOT_ID, 64 bits. Changes when tokens come and go: prefer `token` and `serial`. */
  readonly slotId?: bigint;
  /** CKA_ID, any octets. */
  readonly id?: Uint8Array;
  /** CKA_LABEL, whole and with regard to case. */
  readonly object?: string;
  readonly type?: Pkcs11ObjectType;
  /** Absolute path of the module's file, or of a directory that holds it under `moduleName`. */
  readonly modulePath?: string;
  /** `softhsm2` stands for libsofthsm2.so and the like. */
  readonly moduleName?: string;
  /** Absolute path of a file that holds the user PIN. */
  readonly pinSource?: string;
}

export const pkcs11ObjectTypes = ['public', 'private', 'cert', 'secret-key', 'data'] as const;

export type Pkcs11ObjectType = (typeof pkcs11ObjectTypes)[number];

/**
 * Reads a PKCS #11 URI strictly: known attributes only, each at most once, values percent-encoded UTF-8 (`id`: octets).
 * @throws CountersignError `KEY_REFERENCE_MALFORMED` for anything else. Neither it nor any other error repeats the text of
 *   a reference that holds a PIN.
 */
export function parsePkcs11Uri(uri: string): Pkcs11Uri {
  const scheme = /^pkcs11:/i.exec(uri);
  if (scheme === null) throw malformed('it does not begin with "pkcs11:"');
  if (/pin-value/i.test(uri)) throw pinInReference();
  const rest = uri.slice(scheme[0].length);
  const queryAt = rest.indexOf('?');
  const path = readAttributes(queryAt < 0 ? rest : rest.slice(0, queryAt), ';', pathAttributes, pathValue);
  if (queryAt === rest.length - 1 && queryAt >= 0) throw malformed('nothing follows the question mark');
  const query = readAttributes(queryAt < 0 ? '' : rest.slice(queryAt + 1), '&', queryAttributes, queryValue);

  const id = path.get('id');
  const slotId = textOf(path, 'slot-id');
  const type = textOf(path, 'type');
  const pinSource = textOf(query, 'pin-source');
  const parsed = withoutUndefined({
    token: textOf(path, 'token'),
    manufacturer: textOf(path, 'manufacturer'),
    serial: textOf(path, 'serial'),
    model: textOf(path, 'model'),
    slotId: slotId === undefined ? undefined : readSlotId(slotId),
    id: id === undefined ? undefined : percentDecode(id),
    object: textOf(path, 'object'),
    type: type === undefined ? undefined : readType(type),
    modulePath: textOf(query, 'module-path'),
    moduleName: textOf(query, 'module-name'),
    pinSource: pinSource === undefined ? undefined : readPinSource(pinSource),
  });
  checkValues(parsed);
  return parsed;
}

/** @throws CountersignError `KEY_REFERENCE_MALFORMED` for parts that `parsePkcs11Uri` would not read */
export function formatPkcs11Uri(parts: Pkcs11Uri): string {
  checkValues(parts);
  const path = [
    ...attribute('token', parts.token),
    ...attribute('manufacturer', parts.manufacturer),
    ...attribute('serial', parts.serial),
    ...attribute('model', parts.model),
    ...attribute('slot-id', parts.slotId?.toString()),
    ...(parts.id === undefined ? [] : [`id=${percentEncodeOctets(parts.id)}`]),
    ...attribute('object', parts.object),
    ...attribute('type', parts.type),
  ];
  const query = [
    ...attribute('module-path', parts.modulePath, percentEncodePath),
    ...attribute('module-name', parts.moduleName),
    ...attribute('pin-source', parts.pinSource, percentEncodePath),
  ];
  return `pkcs11:${path.join(';')}${query.length === 0 ? '' : `?${query.join('&')}`}`;
}

function textOf(attributes: ReadonlyMap<string, string>, name: string): string | undefined {
  const value = attributes.get(name);
  return value === undefined ? undefined : percentDecodeText(name, value);
}

const pathAttributes = ['token', 'manufacturer', 'serial', 'model', 'slot-id', 'id', 'object', 'type'];
const queryAttributes = ['module-path', 'module-name', 'pin-source'];

/** RFC 7512 2.3, pk11-pchar and pk11-qchar; what separates attributes there must be percent-encoded. */
const pathValue = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=&]|%[0-9A-Fa-f]{2})*$/;
const queryValue = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=/?|]|%[0-9A-Fa-f]{2})*$/;

function readAttributes(
  text: string,
  separator: string,
  known: readonly string[],
  valuePattern: RegExp,
): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  if (text === '') return attributes;
  for (const part of text.split(separator)) {
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    if (equals < 0 || !known.includes(name)) {
      throw malformed(`"${shown(name)}" is none of the attributes ${known.join(', ')} that may stand there`);
    }
    if (attributes.has(name)) throw malformed(`the attribute ${name} stands twice`);
    const value = part.slice(equals + 1);
    if (!valuePattern.test(value)) {
      throw malformed(`the value of ${name} has a character that must be percent-encoded`);
    }
    attributes.set(name, value);
  }
  return attributes;
}

function readSlotId(text: string): bigint {
  if (/^\d{1,20}$/.test(text)) return BigInt(text);
  throw malformed('the slot-id is not a decimal number');
}

function readType(text: string): Pkcs11ObjectType {
  const type = pkcs11ObjectTypes.find((candidate) => candidate === text);
  if (type !== undefined) return type;
  throw malformed(`the type "${shown(text)}" is none of ${pkcs11ObjectTypes.join(', ')}`);
}

/** RFC 7512 2.4 lets a program choose what it takes: here a path, or the same as a `file:` URI. Never a command. */
function readPinSource(text: string): string {
  return /^file:(?:\/\/)?\//.test(text) ? text.replace(/^file:(?:\/\/)?/, '') : text;
}

const maxUnsignedLong = 2n ** 64n - 1n;

function checkValues(parts: Pkcs11Uri): void {
  for (const name of ['token', 'manufacturer', 'serial', 'model', 'object', 'moduleName'] as const) {
    if (parts[name]?.isWellFormed() === false) throw malformed(`the ${name} is not well-formed Unicode`);
  }
  const { slotId, moduleName } = parts;
  if (slotId !== undefined && (slotId < 0n || slotId > maxUnsignedLong)) {
    throw malformed('the slot-id does not fit 64 bits');
  }
  if (moduleName !== undefined && !/^[^/\\\0]+$/.test(moduleName)) {
    throw malformed('the module-name is not the name of a file without its directory');
  }
  for (const name of ['modulePath', 'pinSource'] as const) {
    const path = parts[name];
    if (path !== undefined && (!isAbsolute(path) || path.includes('\0') || !path.isWellFormed())) {
      throw malformed(`the ${name === 'modulePath' ? 'module-path' : 'pin-source'} is not an absolute path`);
    }
  }
}

function attribute(name: string, value: string | undefined, encode = percentEncode): readonly string[] {
  return value === undefined ? [] : [`${name}=${encode(value)}`];
}

function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The slash may stand for itself in a query (RFC 3986 3.4) and keeps paths readable. */
function percentEncodePath(path: string): string {
  return path.split('/').map(percentEncode).join('/');
}

/** RFC 7512 2.3: an id is best percent-encoded throughout. */
function percentEncodeOctets(octets: Uint8Array): string {
  return [...octets].map((octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

/** @param value matches one of the value patterns */
function percentDecode(value: string): Uint8Array {
  const octets: number[] = [];
  for (let at = 0; at < value.length; at += 1) {
    if (value[at] === '%') {
      octets.push(Number.parseInt(value.slice(at + 1, at + 3), 16));
      at += 2;
    } else {
      octets.push(value.charCodeAt(at));
    }
  }
  return Uint8Array.from(octets);
}

function percentDecodeText(name: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw malformed(`the value of ${name} is not UTF-8`);
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(parts: T): Defined<T> {
  const defined: Defined<T> = { ...parts };
  for (const name in defined) if (defined[name] === undefined) delete defined[name];
  return defined;
}

/** The text itself is left out: what is no reference may hold anything, a PIN among it. */
function malformed(problem: string): CountersignError {
  return new CountersignError(
    'KEY_REFERENCE_MALFORMED',
    `this is not a PKCS#11 reference that can be used: ${problem}`,
    'Write pkcs11:token=<label>;id=<%-encoded octets>?module-path=<absolute path> (RFC 7512).',
  );
}

function pinInReference(): CountersignError {
  return new CountersignError(
    'KEY_REFERENCE_MALFORMED',
    'the reference holds a pin-value: a PIN in a reference ends up in logs, histories and process lists',
    'Take it out, change that PIN, and give it to unlock() or in a file named by pin-source.',
  );
}

function shown(text: string): string {
  return /^[a-z-]{1,40}$/.test(text) ? text : '…';
}
