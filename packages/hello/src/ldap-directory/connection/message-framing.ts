/** Cuts a stream of octets into LDAP messages (RFC 4511 5.1: definite lengths only), whatever pieces it comes in. */
export class MessageFraming {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;
  /** Octets that the message at the start needs; not known before its header is there. */
  #needed: number | undefined;

  /** @returns the messages that are now whole. @throws MessageDefect for what cannot become one */
  read(piece: Uint8Array): Buffer[] {
    this.#pieces.push(piece);
    this.#length += piece.length;
    const messages: Buffer[] = [];
    for (;;) {
      this.#needed ??= this.#messageLength();
      if (this.#needed === undefined || this.#length < this.#needed) return messages;
      const octets = this.#joined();
      const message = octets.subarray(0, this.#needed);
      requireMessage(message);
      messages.push(message);
      this.#pieces[0] = octets.subarray(this.#needed);
      this.#length -= this.#needed;
      this.#needed = undefined;
    }
  }

  #messageLength(): number | undefined {
    if (this.#length === 0) return undefined;
    const octets = this.#joined();
    const header = readHeader(octets, 0, maximumLength);
    if (header === undefined) return undefined;
    requireTag(header, tags.sequence, 'a message');
    return header.end;
  }

  #joined(): Buffer {
    const octets = Buffer.concat(this.#pieces);
    this.#pieces.splice(0, this.#pieces.length, octets);
    return octets;
  }
}

/** What makes an answer none that RFC 4511 allows. */
export class MessageDefect extends Error {
  override readonly name = 'MessageDefect';
}

/** Longer than any answer to what is asked here: a page of users, each with hundreds of keys. */
const maximumLength = 64 * 1024 * 1024;

const tags = { integer: 0x02, octetString: 0x04, sequence: 0x30, set: 0x31, searchResultEntry: 0x64 };
const constructed = 0x20;
const contextSpecific0 = 0xa0;

interface Header {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Every length must fit into what it stands in, in particular in entries: the parser behind takes them on trust, and one
 * that reaches too far would keep it busy for ever.
 */
function requireMessage(octets: Buffer): void {
  const [message] = elements(octets, 0, octets.length);
  if (message === undefined) throw new MessageDefect('an empty message');
  const [id, operation, controls, ...more] = elements(octets, message.start, message.end);
  if (id?.tag !== tags.integer || id.end - id.start < 1 || id.end - id.start > 4) {
    throw new MessageDefect('a message does not start with its number');
  }
  if (operation === undefined || (controls !== undefined && controls.tag !== contextSpecific0)) {
    throw new MessageDefect('a message is not a number, an operation and controls');
  }
  if (more.length > 0) throw new MessageDefect('a message goes on after its controls');
  if (operation.tag === tags.searchResultEntry) requireEntry(octets, operation);
  else requireNested(octets, operation);
  if (controls !== undefined) requireNested(octets, controls);
}

/** RFC 4511 4.5.2: SEQUENCE { objectName, SEQUENCE OF SEQUENCE { type, vals SET OF value } }. */
function requireEntry(octets: Buffer, entry: Header): void {
  const [name, attributes, ...more] = elements(octets, entry.start, entry.end);
  requireTag(name, tags.octetString, 'the name of an entry');
  requireTag(attributes, tags.sequence, 'the attributes of an entry');
  if (more.length > 0) throw new MessageDefect('an entry goes on after its attributes');
  for (const attribute of elements(octets, attributes.start, attributes.end)) {
    requireTag(attribute, tags.sequence, 'an attribute');
    const [type, values, ...others] = elements(octets, attribute.start, attribute.end);
    requireTag(type, tags.octetString, 'the type of an attribute');
    requireTag(values, tags.set, 'the values of an attribute');
    if (others.length > 0) throw new MessageDefect('an attribute goes on after its values');
    for (const value of elements(octets, values.start, values.end)) {
      requireTag(value, tags.octetString, 'a value of an attribute');
    }
  }
}

function requireNested(octets: Buffer, element: Header, depth = 0): void {
  if ((element.tag & constructed) === 0) return;
  if (depth > 16) throw new MessageDefect('a message is nested more than 16 deep');
  for (const inner of elements(octets, element.start, element.end)) {
    requireNested(octets, inner, depth + 1);
  }
}

function requireTag(element: Header | undefined, tag: number, what: string): asserts element is Header {
  if (element?.tag === tag) return;
  const found = element === undefined ? 'is missing' : `has the tag 0x${element.tag.toString(16)}`;
  throw new MessageDefect(`${what} ${found}; expected the tag 0x${tag.toString(16)}`);
}

function elements(octets: Buffer, start: number, end: number): Header[] {
  const found: Header[] = [];
  for (let offset = start; offset < end;) {
    const header = readHeader(octets.subarray(0, end), offset, end);
    if (header === undefined || header.end > end) throw new MessageDefect('a length reaches too far');
    found.push(header);
    offset = header.end;
  }
  return found;
}

/** undefined where the octets end before the header does. */
function readHeader(octets: Uint8Array, offset: number, limit: number): Header | undefined {
  const tag = octets[offset];
  const first = octets[offset + 1];
  if (tag === undefined || first === undefined) return undefined;
  if ((tag & 0x1f) === 0x1f) throw new MessageDefect('a tag has more than one octet');
  if (first < 0x80) return { tag, start: offset + 2, end: offset + 2 + first };
  const count = first & 0x7f;
  if (count === 0) throw new MessageDefect('a length is indefinite');
  if (count > 4) throw new MessageDefect(`a length has ${count} octets; at most 4 are taken`);
  const start = offset + 2 + count;
  if (octets.length < start) return undefined;
  let length = 0;
  for (const octet of octets.subarray(offset + 2, start)) length = length * 256 + octet;
  if (length > limit)
    throw new MessageDefect(`a length of ${length} octets; at most ${limit} are taken here`);
  return { tag, start, end: start + length };
}
