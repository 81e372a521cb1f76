import { CountersignError } from '@countersign/core';

/**
 * A JSON object that came over the network, or in a token: the fields that are asked for, each with its type. Fields that
 * nobody asks for are left alone, as the protocols want it.
 */
export class MessageObject {
  readonly #what: string;
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #refuse: (found: string) => CountersignError;

  private constructor(
    what: string,
    fields: ReadonlyMap<string, unknown>,
    refuse: (found: string) => CountersignError,
  ) {
    this.#what = what;
    this.#fields = fields;
    this.#refuse = refuse;
  }

  /**
   * @param what names the message in errors
   * @param refuse makes the error for what is wrong; `MESSAGE_MALFORMED` if absent
   */
  static from(
    value: unknown,
    what: string,
    refuse: (found: string) => CountersignError = messageMalformed,
  ): MessageObject {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw refuse(`the ${what} is not a JSON object`);
    }
    return new MessageObject(what, new Map<string, unknown>(Object.entries(value)), refuse);
  }

  /** @param octets JSON in UTF-8 */
  static parse(
    octets: Uint8Array,
    what: string,
    refuse: (found: string) => CountersignError = messageMalformed,
  ): MessageObject {
    return MessageObject.from(parseJson(octets, what, refuse), what, refuse);
  }

  has(name: string): boolean {
    return this.#fields.get(name) !== undefined;
  }

  string(name: string): string {
    const value = this.#fields.get(name);
    if (typeof value === 'string' && value !== '') return value;
    throw this.#refuse(`the ${this.#what} has no text in the field ${name}`);
  }

  optionalString(name: string): string | undefined {
    return this.has(name) ? this.string(name) : undefined;
  }

  /** A time as JWTs have it: seconds since 1970 (RFC 7519 2). */
  date(name: string): Date {
    const value = this.#fields.get(name);
    if (typeof value === 'number' && value >= 0 && value <= maxSeconds) return new Date(value * 1000);
    throw this.#refuse(`the ${this.#what} has no time in the field ${name}`);
  }

  optionalDate(name: string): Date | undefined {
    return this.has(name) ? this.date(name) : undefined;
  }

  integer(name: string): number {
    const value = this.#fields.get(name);
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    throw this.#refuse(`the ${this.#what} has no whole number in the field ${name}`);
  }

  /** Texts in an array; a single text stands for an array of one; none if the field is absent. */
  strings(name: string): readonly string[] {
    const value = this.#fields.get(name);
    if (value === undefined) return [];
    const elements: readonly unknown[] = Array.isArray(value) ? value : [value];
    return elements.map((element) => {
      if (typeof element === 'string') return element;
      throw this.#refuse(`the ${this.#what} has something other than texts in the field ${name}`);
    });
  }

  objects(name: string): readonly MessageObject[] {
    const value = this.#fields.get(name);
    if (!Array.isArray(value)) throw this.#refuse(`the ${this.#what} has no array in the field ${name}`);
    const elements: readonly unknown[] = value;
    return elements.map((element) => MessageObject.from(element, `${this.#what}, in ${name},`, this.#refuse));
  }

  /** Octets in base64 with padding (RFC 4648 4) and nothing else in between. */
  base64(name: string): Uint8Array {
    const text = this.string(name);
    const octets = Buffer.from(text, 'base64');
    if (octets.toString('base64') === text) return Uint8Array.from(octets);
    throw this.#refuse(`the field ${name} of the ${this.#what} is not base64`);
  }
}

/** The last second that `Date` knows. */
const maxSeconds = 8_640_000_000_000;

function parseJson(octets: Uint8Array, what: string, refuse: (found: string) => CountersignError): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(octets));
    return value;
  } catch {
    // The cause is left out on purpose: it quotes the message, which may hold secrets.
    throw refuse(`the ${what} is not JSON`);
  }
}

export function messageMalformed(found: string): CountersignError {
  return new CountersignError(
    'MESSAGE_MALFORMED',
    found,
    'Check that client and service speak the same version of the protocol.',
  );
}
