import { decodeUtf8String } from '../asn1/strings.ts';
import { maxDocumentBytes } from '../asn1/der-reader.ts';
import { CountersignError } from '../errors.ts';
import { findAttributeType } from './attribute-types.ts';

/** One attribute of a relative distinguished name. */
export interface NameAttribute {
  /** Keyword or dotted OID as RFC 4514 has it; dotted OID when read from DER. */
  readonly type: string;
  readonly value:
    { readonly kind: 'text'; readonly text: string } | { readonly kind: 'encoded'; readonly der: Uint8Array };
}

/**
 * Parses the string form of a distinguished name (RFC 4514 3).
 * @returns the relative distinguished names in the order of the string; whether values given as "#hex" are DER is left
 *   to whoever encodes the name
 * @throws CountersignError `NAME_MALFORMED`
 */
export function parseRfc4514(text: string): NameAttribute[][] {
  if (text === '') return [];
  if (text.length > maxDocumentBytes) {
    throw new CountersignError(
      'NAME_MALFORMED',
      `a distinguished name of ${text.length} characters fits in no document`,
      'Check that the right text was given.',
    );
  }
  return new NameStringParser(text).parse();
}

/** Writes the string form (RFC 4514 2) of relative distinguished names given in the order of the string. */
export function writeRfc4514(rdns: readonly (readonly NameAttribute[])[]): string {
  return rdns.map((rdn) => rdn.map(writeAttribute).join('+')).join(',');
}

class NameStringParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): NameAttribute[][] {
    const rdns: NameAttribute[][] = [[this.#attribute()]];
    while (this.#at < this.#text.length) {
      const separator = this.#text[this.#at++];
      if (separator === ',') rdns.push([this.#attribute()]);
      else rdns.at(-1)?.push(this.#attribute());
    }
    return rdns;
  }

  #attribute(): NameAttribute {
    const [match = '', type = ''] =
      /^ *([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+) *=/.exec(this.#text.slice(this.#at)) ?? [];
    if (match === '') throw this.#malformed('an attribute type and "=" were expected');
    this.#at += match.length;
    while (this.#text[this.#at] === ' ') this.#at++;
    return { type, value: this.#text[this.#at] === '#' ? this.#encodedValue() : this.#textValue() };
  }

  #encodedValue(): NameAttribute['value'] {
    const [match = '', hex = ''] =
      /^#((?:[0-9A-Fa-f]{2})+) *(?=[,+]|$)/.exec(this.#text.slice(this.#at)) ?? [];
    if (match === '') throw this.#malformed('"#" must be followed by pairs of hexadecimal digits');
    this.#at += match.length;
    return { kind: 'encoded', der: Buffer.from(hex, 'hex') };
  }

  #textValue(): NameAttribute['value'] {
    const octets: number[] = [];
    let lengthWithoutTrailingSpaces = 0;
    while (this.#at < this.#text.length) {
      const character = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
      if (character === ',' || character === '+') break;
      if (!character.isWellFormed()) throw this.#malformed('half of a surrogate pair stands alone');
      if ('";<>\0'.includes(character)) throw this.#malformed(`${JSON.stringify(character)} must be escaped`);
      const isEscaped = character === '\\';
      octets.push(...(isEscaped ? this.#escaped() : Buffer.from(character)));
      if (!isEscaped) this.#at += character.length;
      if (isEscaped || character !== ' ') lengthWithoutTrailingSpaces = octets.length;
    }
    const text = decodeUtf8String(Uint8Array.from(octets.slice(0, lengthWithoutTrailingSpaces)));
    if (text === undefined) throw this.#malformed('the escaped octets are not UTF-8');
    return { kind: 'text', text };
  }

  #escaped(): number[] {
    const next = this.#text.slice(this.#at + 1, this.#at + 3);
    if (/^[0-9A-Fa-f]{2}$/.test(next)) {
      this.#at += 3;
      return [Number.parseInt(next, 16)];
    }
    const [special = ''] = next;
    if (special === '' || !' "#+,;<=>\\'.includes(special)) {
      throw this.#malformed('"\\" must be followed by a special character or two hexadecimal digits');
    }
    this.#at += 2;
    return [special.charCodeAt(0)];
  }

  #malformed(found: string): CountersignError {
    return new CountersignError(
      'NAME_MALFORMED',
      `"${this.#text}" is not a distinguished name: at character ${this.#at + 1}, ${found}`,
      'Write it as RFC 4514 does, for example CN=Alice,OU=Users,DC=contoso,DC=com.',
    );
  }
}

function writeAttribute({ type, value }: NameAttribute): string {
  const keyword = findAttributeType(type)?.keyword;
  if (value.kind === 'encoded') return `${keyword ?? type}=#${Buffer.from(value.der).toString('hex')}`;
  return `${keyword ?? type}=${escapeText(value.text)}`;
}

/** RFC 4514 2.4: specials anywhere, a space or "#" in front, a space at the end; control characters as hex pairs. */
function escapeText(text: string): string {
  return text.replaceAll(/[\\",+;<>=]|^[ #]|(?<!^) $/g, String.raw`\$&`).replaceAll(/\p{Cc}/gu, (control) =>
    Buffer.from(control)
      .toString('hex')
      .replaceAll(/../g, String.raw`\$&`),
  );
}
