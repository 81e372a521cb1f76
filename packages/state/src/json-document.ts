import { CountersignError } from '@countersign/core';

/**
 * The value of a JSON file.
 * @param path names the file in errors.
 * @throws CountersignError `STATE_DAMAGED` if the bytes are not UTF-8 or not JSON.
 */
export function parseJsonDocument(bytes: Uint8Array, path: string): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw damaged(`${path} is not UTF-8 text`, cause);
  }
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    // The cause is left out on purpose: it quotes the text, which may hold secrets.
    throw damaged(`${path} is not JSON (${text.length === 0 ? 'it is empty' : `${bytes.length} bytes`})`);
  }
}

export interface IntegerBounds {
  readonly min?: number;
  readonly max?: number;
}

/**
 * Reads the fields of a JSON object one by one, each with its type. Every refusal is `STATE_DAMAGED` and names the file
 * and the field. `end()` refuses fields that nobody asked for, so that nothing is dropped without a word.
 */
export class JsonObject {
  /** Where the object stands: the file and the field within it. */
  readonly where: string;
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #asked = new Set<string>();

  private constructor(where: string, fields: ReadonlyMap<string, unknown>) {
    this.where = where;
    this.#fields = fields;
  }

  static from(value: unknown, where: string): JsonObject {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw damaged(`${where}: an object was expected, found ${kindOf(value)}`);
    }
    return new JsonObject(where, new Map<string, unknown>(Object.entries(value)));
  }

  has(key: string): boolean {
    return this.#fields.has(key);
  }

  string(key: string): string {
    const value = this.#take(key);
    return typeof value === 'string' ? value : this.#refuse(key, 'a string', value);
  }

  boolean(key: string): boolean {
    const value = this.#take(key);
    return typeof value === 'boolean' ? value : this.#refuse(key, 'true or false', value);
  }

  integer(key: string, bounds: IntegerBounds = {}): number {
    const value = this.#take(key);
    const min = bounds.min ?? Number.MIN_SAFE_INTEGER;
    const max = bounds.max ?? Number.MAX_SAFE_INTEGER;
    if (typeof value !== 'number' || !Number.isSafeInteger(value))
      return this.#refuse(key, 'an integer', value);
    if (value < min || value > max) {
      throw this.damaged(key, `an integer from ${min} to ${max} was expected, found ${value}`);
    }
    return value;
  }

  /** A time in the one form that `Date.prototype.toISOString` writes. */
  date(key: string): Date {
    const value = this.#take(key);
    if (typeof value !== 'string') return this.#refuse(key, 'a time such as 2026-01-31T12:00:00.000Z', value);
    const date = new Date(value);
    if (Number.isNaN(date.getTime()) || date.toISOString() !== value) {
      throw this.damaged(key, 'a time such as 2026-01-31T12:00:00.000Z was expected');
    }
    return date;
  }

  /** Bytes in padded base64 (RFC 4648 section 4) in its one canonical form. */
  bytesBase64(key: string): Uint8Array {
    return this.#bytes(key, 'base64');
  }

  /** Bytes in lower-case hex. */
  bytesHex(key: string): Uint8Array {
    return this.#bytes(key, 'hex');
  }

  /** A string that is one of `allowed`. */
  oneOf<const T extends string>(key: string, allowed: readonly T[]): T {
    const value = this.string(key);
    const found = allowed.find((candidate) => candidate === value);
    if (found === undefined) {
      throw this.damaged(key, `one of ${allowed.join(', ')} was expected, found ${excerpt(value)}`);
    }
    return found;
  }

  object(key: string): JsonObject {
    return JsonObject.from(this.#take(key), this.#place(key));
  }

  array(key: string): readonly unknown[] {
    const value = this.#take(key);
    if (!Array.isArray(value)) return this.#refuse(key, 'an array', value);
    const elements: readonly unknown[] = value;
    return elements;
  }

  objects(key: string): readonly JsonObject[] {
    return this.array(key).map((element, index) => JsonObject.from(element, this.#place(`${key}[${index}]`)));
  }

  strings(key: string): readonly string[] {
    return this.array(key).map((element, index) =>
      typeof element === 'string' ? element : this.#refuse(`${key}[${index}]`, 'a string', element),
    );
  }

  /** An object all of whose fields are strings, in the order of the file. */
  stringRecord(key: string): Readonly<Record<string, string>> {
    const inner = this.object(key);
    return Object.fromEntries([...inner.#fields.keys()].map((name) => [name, inner.string(name)]));
  }

  optionalString(key: string): string | undefined {
    return this.has(key) ? this.string(key) : undefined;
  }

  optionalBoolean(key: string): boolean | undefined {
    return this.has(key) ? this.boolean(key) : undefined;
  }

  optionalInteger(key: string, bounds: IntegerBounds = {}): number | undefined {
    return this.has(key) ? this.integer(key, bounds) : undefined;
  }

  optionalDate(key: string): Date | undefined {
    return this.has(key) ? this.date(key) : undefined;
  }

  optionalBytesBase64(key: string): Uint8Array | undefined {
    return this.has(key) ? this.bytesBase64(key) : undefined;
  }

  optionalObject(key: string): JsonObject | undefined {
    return this.has(key) ? this.object(key) : undefined;
  }

  /** Refuses the object if it has a field that was not read. */
  end(): void {
    for (const key of this.#fields.keys()) {
      if (!this.#asked.has(key)) throw damaged(`${this.where}: the field ${excerpt(key)} is unknown`);
    }
  }

  /** The error for a field whose type is right and whose value is not; for callers with rules of their own. */
  damaged(key: string, problem: string): CountersignError {
    return damaged(`${this.#place(key)}: ${problem}`);
  }

  #bytes(key: string, encoding: 'base64' | 'hex'): Uint8Array {
    const value = this.#take(key);
    if (typeof value !== 'string') return this.#refuse(key, encoding, value);
    const bytes = Buffer.from(value, encoding);
    if (bytes.toString(encoding) !== value) throw this.damaged(key, `${encoding} was expected`);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  #take(key: string): unknown {
    this.#asked.add(key);
    if (!this.#fields.has(key)) throw damaged(`${this.where}: the field ${excerpt(key)} is missing`);
    return this.#fields.get(key);
  }

  #refuse(key: string, expected: string, value: unknown): never {
    throw this.damaged(key, `${expected} was expected, found ${kindOf(value)}`);
  }

  #place(key: string): string {
    return `${this.where}: ${excerpt(key)}`;
  }
}

function damaged(message: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'STATE_DAMAGED',
    message,
    'Nothing was changed. Correct the file, or put a backup in its place.',
    { cause },
  );
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Names from a file are shown in part and without control characters. */
function excerpt(text: string): string {
  const shown = JSON.stringify(text.slice(0, 60)).slice(1, -1);
  return text.length > 60 ? `${shown}…` : shown;
}
