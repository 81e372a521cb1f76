import { CountersignError } from '../errors.ts';
import { decodeOid } from './object-identifier.ts';
import { decodeBmpString, decodeIa5String, decodePrintableString, decodeUtf8String } from './strings.ts';
import { contextConstructed, contextPrimitive, tag } from './tag.ts';
import { decodeGeneralizedTime, decodeUtcTime } from './time.ts';

/** Documents larger than this are refused before they are read: no request or certificate comes near it. */
export const maxDocumentBytes = 256 * 1024;

/** Deepest nesting that `skip` accepts inside a value whose syntax the caller does not know. */
const maxNesting = 32;

/** Numbers of EXTERNAL, EMBEDDED PDV, SEQUENCE, SET and CHARACTER STRING. */
const constructedTypes: ReadonlySet<number> = new Set([8, 11, 16, 17, 29]);

/**
 * A cursor over DER (X.690 sections 8, 10 and 11). It reads what the caller expects and nothing else: a wrong tag, an
 * indefinite or non-minimal length, an element that outruns its parent or trailing octets are all `DER_MALFORMED`, with
 * the offset at which they stand. Results are views into the input, never copies.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #what: string;
  #position: number;

  private constructor(bytes: Uint8Array, start: number, end: number, what: string) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
    this.#what = what;
  }

  /**
   * Starts reading a document from outside.
   * @param what its name for error messages, such as "certification request"
   * @throws CountersignError `INPUT_TOO_LARGE`
   */
  static document(bytes: Uint8Array, what: string, maxBytes = maxDocumentBytes): DerReader {
    if (bytes.length > maxBytes) {
      throw new CountersignError(
        'INPUT_TOO_LARGE',
        `the ${what} has ${bytes.length} bytes; at most ${maxBytes} are accepted`,
        'Check that the right file was given.',
      );
    }
    return new DerReader(bytes, 0, bytes.length, what);
  }

  /** Reads a document that is one SEQUENCE and nothing after it. */
  static sequence(bytes: Uint8Array, what: string, maxBytes = maxDocumentBytes): DerReader {
    const document = DerReader.document(bytes, what, maxBytes);
    const sequence = document.sequence();
    document.end();
    return sequence;
  }

  get done(): boolean {
    return this.#position === this.#end;
  }

  /** The offset of the next element in the whole document. */
  get offset(): number {
    return this.#position;
  }

  /** Whether the next element has this identifier octet. */
  at(identifier: number): boolean {
    return this.#position < this.#end && this.#bytes[this.#position] === identifier;
  }

  /** @throws CountersignError `DER_MALFORMED` if anything is left */
  end(): void {
    if (this.#position !== this.#end) {
      throw this.malformed(`${this.#end - this.#position} octets follow where the element should end`);
    }
  }

  /** The contents of the next element, which must have this identifier octet. */
  contents(identifier: number): Uint8Array {
    const start = this.#enter(identifier);
    return this.#bytes.subarray(start, this.#position);
  }

  /** A reader over the contents of the next element. */
  constructed(identifier: number): DerReader {
    const start = this.#enter(identifier);
    return new DerReader(this.#bytes, start, this.#position, this.#what);
  }

  sequence(): DerReader {
    return this.constructed(tag.sequence);
  }

  /** `[n]` that holds elements. */
  context(n: number): DerReader {
    return this.constructed(contextConstructed(n));
  }

  /** `[n]` that holds the octets of an implicitly tagged primitive. */
  contextContents(n: number): Uint8Array {
    return this.contents(contextPrimitive(n));
  }

  /**
   * Reads every element of a SET OF. X.690 11.6 wants them in ascending order of their encodings, each once.
   * @returns the elements, identifier and length included
   */
  setOf(identifier: number = tag.set): Uint8Array[] {
    const set = this.constructed(identifier);
    const elements: Uint8Array[] = [];
    let previous: Uint8Array | undefined;
    while (!set.done) {
      const element = set.any();
      if (previous !== undefined && Buffer.compare(previous, element) >= 0) {
        throw set.malformed('the elements of a SET OF are not in ascending order');
      }
      elements.push(element);
      previous = element;
    }
    return elements;
  }

  /**
   * The next element whole, once it is known to be well-formed DER all the way down.
   * @param identifier the identifier octet it must have; without it, whatever stands there is taken
   */
  any(identifier?: number): Uint8Array {
    if (identifier !== undefined) this.fork().contents(identifier);
    const start = this.#position;
    this.#skip(0);
    return this.#bytes.subarray(start, this.#position);
  }

  /** The next element whole (identifier, length, contents); it must have this identifier octet. Contents unread. */
  element(identifier: number): Uint8Array {
    const start = this.#position;
    this.#enter(identifier);
    return this.#bytes.subarray(start, this.#position);
  }

  /** A second reader at the same place. */
  fork(): DerReader {
    return new DerReader(this.#bytes, this.#position, this.#end, this.#what);
  }

  boolean(identifier: number = tag.boolean): boolean {
    const contents = this.contents(identifier);
    // X.690 11.1: TRUE is FF and nothing else.
    if (contents.length !== 1 || (contents[0] !== 0x00 && contents[0] !== 0xff)) {
      throw this.malformed('a BOOLEAN is neither 00 nor FF');
    }
    return contents[0] === 0xff;
  }

  /** Contents octets of an INTEGER: two's complement, as short as can be (X.690 8.3.2). */
  integer(identifier: number = tag.integer): Uint8Array {
    const contents = this.contents(identifier);
    const [first, second = 0] = contents;
    if (first === undefined) throw this.malformed('an INTEGER is empty');
    if (contents.length > 1 && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw this.malformed('an INTEGER is longer than it need be');
    }
    return contents;
  }

  /** A non-negative INTEGER as big-endian octets without a sign octet; zero is one octet. */
  unsignedInteger(identifier: number = tag.integer): Uint8Array {
    const contents = this.integer(identifier);
    const [first = 0] = contents;
    if (first >= 0x80) throw this.malformed('an INTEGER is negative');
    return first === 0 && contents.length > 1 ? contents.subarray(1) : contents;
  }

  /** An INTEGER from 0 to 2^31 - 1, such as a version or a path length. */
  smallInteger(identifier: number = tag.integer): number {
    const contents = this.unsignedInteger(identifier);
    if (contents.length > 4 || (contents.length === 4 && (contents[0] ?? 0) >= 0x80)) {
      throw this.malformed('an INTEGER is too large for its place');
    }
    return contents.reduce((value, octet) => value * 256 + octet, 0);
  }

  /** A BIT STRING that holds whole octets: a key or a signature. */
  octetAlignedBitString(): Uint8Array {
    const contents = this.contents(tag.bitString);
    if (contents.length === 0) throw this.malformed('a BIT STRING lacks its first octet');
    if (contents[0] !== 0) throw this.malformed('a BIT STRING that should hold whole octets has unused bits');
    return contents.subarray(1);
  }

  /** A BIT STRING with named bits (KeyUsage), bit 0 first. X.690 11.2.2: no trailing zero bits. */
  namedBits(identifier: number = tag.bitString): boolean[] {
    const contents = this.contents(identifier);
    const [unused] = contents;
    if (unused === undefined || unused > 7 || (contents.length === 1 && unused !== 0)) {
      throw this.malformed('a BIT STRING has a wrong count of unused bits');
    }
    const bits: boolean[] = [];
    for (const octet of contents.subarray(1)) {
      for (let mask = 0x80; mask !== 0; mask >>= 1) bits.push((octet & mask) !== 0);
    }
    if (bits.splice(bits.length - unused, unused).includes(true)) {
      throw this.malformed('the unused bits of a BIT STRING are not zero');
    }
    if (bits.at(-1) === false) throw this.malformed('a BIT STRING of named bits ends in zero bits');
    return bits;
  }

  octetString(): Uint8Array {
    return this.contents(tag.octetString);
  }

  null(): void {
    if (this.contents(tag.null).length !== 0) throw this.malformed('a NULL has contents');
  }

  /** An OBJECT IDENTIFIER in dotted form. */
  oid(): string {
    const oid = decodeOid(this.contents(tag.objectIdentifier));
    if (oid === undefined)
      throw this.malformed('an OBJECT IDENTIFIER is not minimally encoded or incomplete');
    return oid;
  }

  /** UTF8String, PrintableString, IA5String or BMPString as text. Others (TeletexString) are refused. */
  text(): string {
    if (this.at(tag.utf8String)) return this.utf8String();
    if (this.at(tag.printableString)) {
      return this.#decoded(tag.printableString, decodePrintableString, 'PrintableString');
    }
    if (this.at(tag.ia5String)) return this.#decoded(tag.ia5String, decodeIa5String, 'IA5String');
    return this.bmpString();
  }

  utf8String(): string {
    return this.#decoded(tag.utf8String, decodeUtf8String, 'UTF8String');
  }

  bmpString(): string {
    return this.#decoded(tag.bmpString, decodeBmpString, 'BMPString');
  }

  /** RFC 5280 4.1.2.5: UTCTime or GeneralizedTime, seconds and Z always. */
  time(): Date {
    return this.at(tag.utcTime)
      ? this.#decoded(tag.utcTime, decodeUtcTime, 'UTCTime')
      : this.generalizedTime();
  }

  generalizedTime(): Date {
    return this.#decoded(tag.generalizedTime, decodeGeneralizedTime, 'GeneralizedTime');
  }

  /** The error for what stands at the cursor, for callers that find a rule of their own broken. */
  malformed(found: string): CountersignError {
    return new CountersignError(
      'DER_MALFORMED',
      `the ${this.#what} is not valid DER: at offset ${this.#position}, ${found}`,
      'Check that the file is whole and unaltered, and that what wrote it writes DER (X.690), not BER.',
      { adcs: 'ERROR_INVALID_DATA' },
    );
  }

  #decoded<T>(identifier: number, decode: (contents: Uint8Array) => T | undefined, type: string): T {
    const value = decode(this.contents(identifier));
    if (value === undefined) throw this.malformed(`the contents are not those of a ${type}`);
    return value;
  }

  /** Moves past one element and returns where its contents start. */
  #enter(identifier: number): number {
    if (this.#position >= this.#end) throw this.malformed('an element is missing');
    const found = this.#bytes[this.#position] ?? 0;
    if (found !== identifier) {
      throw this.malformed(`tag ${hex(found)} stands where tag ${hex(identifier)} was expected`);
    }
    return this.#advance(this.#position + 1);
  }

  /** Reads the length octets at `lengthAt`, moves the cursor behind the contents and returns where these start. */
  #advance(lengthAt: number): number {
    const bytes = this.#bytes;
    let start = lengthAt + 1;
    const first = lengthAt < this.#end ? bytes[lengthAt] : undefined;
    if (first === undefined) throw this.malformed('the element is cut off in its length');
    let length = first;
    if (first >= 0x80) {
      const count = first & 0x7f;
      if (count === 0) throw this.malformed('the length is indefinite');
      if (count > 4) throw this.malformed('the length has more than four octets');
      if (start + count > this.#end) throw this.malformed('the element is cut off in its length');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[start + i] ?? 0);
      if (length < 0x80 || bytes[start] === 0) throw this.malformed('the length is longer than it need be');
      start += count;
    }
    if (length > this.#end - start) {
      throw this.malformed(`the element claims ${length} octets but only ${this.#end - start} are there`);
    }
    this.#position = start + length;
    return start;
  }

  #skip(depth: number): void {
    if (depth > maxNesting) throw this.malformed(`elements are nested deeper than ${maxNesting}`);
    const [identifierLength, identifier] = this.#identifier();
    const isConstructed = (identifier & 0x20) !== 0;
    // X.690 10.2: no string in pieces. Of the universal types only those that hold others are constructed.
    if (identifier < 0x40 && isConstructed !== constructedTypes.has(identifier & 0x1f)) {
      throw this.malformed(`tag ${hex(identifier)} is not a form that DER has`);
    }
    const start = this.#advance(this.#position + identifierLength);
    if (!isConstructed) return;
    const inner = new DerReader(this.#bytes, start, this.#position, this.#what);
    while (!inner.done) inner.#skip(depth + 1);
  }

  /** Length and first octet of the identifier at the cursor, multi-octet tag numbers included (X.690 8.1.2.4). */
  #identifier(): [length: number, first: number] {
    const first = this.#position < this.#end ? this.#bytes[this.#position] : undefined;
    if (first === undefined) throw this.malformed('an element is missing');
    if (first === 0x00) throw this.malformed('end-of-contents octets stand where an element was expected');
    if ((first & 0x1f) !== 0x1f) return [1, first];
    let at = this.#position + 1;
    let number = 0;
    for (;;) {
      const octet = at < this.#end ? this.#bytes[at] : undefined;
      if (octet === undefined) throw this.malformed('the element is cut off in its tag');
      number = number * 128 + (octet & 0x7f);
      if (number === 0 || number > 0xffffff) throw this.malformed('a tag number is not minimal or too large');
      at++;
      if (octet < 0x80) break;
    }
    if (number < 31) throw this.malformed('a tag number is longer than it need be');
    return [at - this.#position, first];
  }
}

function hex(octet: number): string {
  return octet.toString(16).padStart(2, '0');
}
