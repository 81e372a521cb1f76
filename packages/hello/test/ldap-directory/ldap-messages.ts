/** LDAP messages (RFC 4511) as a server writes them, with every liberty to write them wrong. */

export interface LdapRequest {
  readonly id: number;
  readonly operation: keyof typeof operations;
  /** The first name in it: whom to bind as, where to search, what to change. */
  readonly name: string;
  /** Everything, to look for values in. */
  readonly octets: Buffer;
  readonly length: number;
}

const operations = { bind: 0x60, unbind: 0x42, search: 0x63, modify: 0x66 };

/** The first request in the octets, or undefined if it is not whole. */
export function readRequest(octets: Buffer): LdapRequest | undefined {
  const whole = octets.length < 2 ? undefined : contentOf(octets, 0);
  if (whole === undefined || whole.end > octets.length) return undefined;
  const id = contentOf(octets, whole.start);
  const operation = contentOf(octets, id.end);
  const [name] = Object.entries(operations).find(([, tag]) => tag === octets[id.end]) ?? [];
  if (!isOperation(name)) throw new Error(`no such operation: ${octets[id.end]}`);
  return {
    id: octets.readIntBE(id.start, id.end - id.start),
    operation: name,
    name: name === 'unbind' ? '' : firstString(octets, operation.start),
    octets: octets.subarray(0, whole.end),
    length: whole.end,
  };
}

function isOperation(name: string | undefined): name is keyof typeof operations {
  return name !== undefined && Object.hasOwn(operations, name);
}

/** A bind has its version first. */
function firstString(octets: Buffer, offset: number): string {
  const { start, end } = contentOf(octets, offset);
  return octets[offset] === 0x04 ? octets.toString('utf8', start, end) : firstString(octets, end);
}

function contentOf(octets: Buffer, offset: number): { readonly start: number; readonly end: number } {
  const first = octets.readUInt8(offset + 1);
  const more = first < 0x80 ? 0 : first & 0x7f;
  if (more > 0 && octets.length < offset + 2 + more) return { start: Infinity, end: Infinity };
  const length = more === 0 ? first : octets.readUIntBE(offset + 2, more);
  const start = offset + 2 + more;
  return { start, end: start + length };
}

/** Tag, length and contents. */
export function tlv(tag: number, ...contents: readonly (Uint8Array | string)[]): Buffer {
  const content = Buffer.concat(
    contents.map((each) => (typeof each === 'string' ? Buffer.from(each) : each)),
  );
  // Four octets of length, as Active Directory writes them whatever the length is.
  const header = Buffer.from([tag, 0x84, 0, 0, 0, 0]);
  header.writeUInt32BE(content.length, 2);
  return Buffer.concat([header, content]);
}

export function integer(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeInt32BE(value);
  return tlv(0x02, octets);
}

export function message(id: number, operation: Uint8Array, ...controls: readonly Uint8Array[]): Buffer {
  return tlv(0x30, integer(id), operation, ...(controls.length === 0 ? [] : [tlv(0xa0, ...controls)]));
}

export const responseTags = { bind: 0x61, search: 0x65, modify: 0x67 };

/** What ends an operation. */
export function done(
  id: number,
  operation: keyof typeof responseTags,
  code = 0,
  {
    diagnostic = '',
    controls = [],
  }: { readonly diagnostic?: string; readonly controls?: readonly Uint8Array[] } = {},
): Buffer {
  const result = [tlv(0x0a, Uint8Array.of(code)), tlv(0x04, ''), tlv(0x04, diagnostic)];
  return message(id, tlv(responseTags[operation], ...result), ...controls);
}

export type EntryValues = Readonly<Record<string, readonly (Uint8Array | string)[]>>;

export function entry(id: number, name: string, attributes: EntryValues): Buffer {
  const encoded = Object.entries(attributes).map(([type, values]) =>
    tlv(0x30, tlv(0x04, type), tlv(0x31, ...values.map((value) => tlv(0x04, value)))),
  );
  return message(id, tlv(0x64, tlv(0x04, name), tlv(0x30, ...encoded)));
}

/** RFC 2696. */
export function pageControl(cookie: string): Buffer {
  return tlv(0x30, tlv(0x04, '1.2.840.113556.1.4.319'), tlv(0x04, tlv(0x30, integer(0), tlv(0x04, cookie))));
}
