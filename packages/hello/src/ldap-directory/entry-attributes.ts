import type { SearchEntry } from 'ldapts';
import { CountersignError } from '@countersign/core';

/** The attributes of one entry; names are matched without regard to case (RFC 4512 2.5). */
export class EntryAttributes {
  readonly distinguishedName: string;
  readonly #values: ReadonlyMap<string, readonly Uint8Array[]>;

  constructor(entry: SearchEntry) {
    this.distinguishedName = entry.name;
    this.#values = new Map(
      entry.attributes.map(({ type, parsedBuffers }) => [type.toLowerCase(), parsedBuffers]),
    );
  }

  /** The names that the directory gave, in lower case, with their options (`;range=…`). */
  get names(): readonly string[] {
    return [...this.#values.keys()];
  }

  all(name: string): readonly Uint8Array[] {
    return this.#values.get(name.toLowerCase()) ?? [];
  }

  /** The one value, or undefined if there is none. @throws CountersignError `USER_MALFORMED` for more than one */
  one(name: string): Uint8Array | undefined {
    const values = this.all(name);
    if (values.length > 1) {
      throw entryMalformed(this.distinguishedName, `${name} has ${values.length} values; expected one`);
    }
    return values[0];
  }

  /** @throws CountersignError `USER_MALFORMED` if it is missing */
  required(name: string): Uint8Array {
    const value = this.one(name);
    if (value === undefined) throw entryMalformed(this.distinguishedName, `${name} is missing`);
    return value;
  }

  /** @throws CountersignError `USER_MALFORMED` if it is missing, or no UTF-8 */
  requiredText(name: string): string {
    const text = utf8Text(this.required(name));
    if (text === undefined) throw entryMalformed(this.distinguishedName, `${name} is not UTF-8`);
    return text;
  }
}

/** undefined for what is no UTF-8. */
export function utf8Text(octets: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(octets);
  } catch {
    return undefined;
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function entryMalformed(distinguishedName: string, problem: string): CountersignError {
  return new CountersignError(
    'USER_MALFORMED',
    `the directory's entry ${distinguishedName} cannot be used: ${problem}`,
    'Complete the account in the directory. If the value is there, let the account that reads the directory see it.',
  );
}
