import { CountersignError, decodePemOrDer, encodePem } from '@countersign/core';
import {
  boolean,
  context,
  DerReader,
  octetString,
  oid,
  sequence,
  tag,
  unsignedInteger,
} from '@countersign/core/asn1';

/**
 * A TPM key at rest, in the TSS2 PRIVATE KEY format ("ASN.1 specification for TPM 2.0 key files", as tpm2-tools, the TPM
 * provider of OpenSSL and others read and write it): the public area, and the private area encrypted by its parent.
 */
export interface Tss2PrivateKey {
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
  /** TPM2B_PRIVATE without its size. */
  readonly privateArea: Uint8Array;
  /** A persistent handle, or a hierarchy whose primary key is made from the template that the specification gives. */
  readonly parent: number;
  /** Whether it is used without an authValue. */
  readonly emptyAuth: boolean;
}

/** @returns PEM */
export function encodeTss2PrivateKey(key: Tss2PrivateKey): string {
  const der = sequence(
    oid(loadableKey),
    // OPTIONAL, but tpm2-openssl 1.1 takes a key without it for one that needs no authValue.
    context(0, boolean(key.emptyAuth)),
    unsignedInteger(bigEndian(key.parent)),
    octetString(withSize(key.publicArea)),
    octetString(withSize(key.privateArea)),
  );
  return encodePem(label, der);
}

/**
 * @param file PEM, with or without text before it, or DER
 * @throws CountersignError `PEM_MALFORMED`, `DER_MALFORMED`; `KEY_NOT_ACCEPTABLE` for a key that is not loaded but imported
 *   or sealed, or that wants a policy
 */
export function parseTss2PrivateKey(file: Uint8Array): Tss2PrivateKey {
  const reader = DerReader.sequence(decodePemOrDer(file, [label]), 'TSS2 private key');
  const type = reader.oid();
  if (type !== loadableKey)
    throw notAcceptable(`it is of the type ${type}`, `a loadable key, ${loadableKey}`);
  const emptyAuth = reader.at(contextTag(0)) && readBoolean(reader.context(0));
  for (const [number, what] of refusedFields) {
    if (reader.at(contextTag(number)))
      throw notAcceptable(`it has ${what}`, 'a key that its authValue authorizes');
  }
  if (reader.at(contextTag(4))) reader.context(4).contents(tag.utf8String);
  // A hint at the template of the parent, which the parent's handle makes needless.
  if (reader.at(contextTag(5))) readBoolean(reader.context(5));
  const key = {
    emptyAuth,
    parent: handleOf(reader),
    publicArea: withoutSize(reader, 'public'),
    privateArea: withoutSize(reader, 'private'),
  };
  reader.end();
  return key;
}

const label = 'TSS2 PRIVATE KEY';
/** id-loadablekey. */
const loadableKey = '2.23.133.10.1.3';

const refusedFields = [
  [1, 'a policy'],
  [2, 'a secret, as importable keys have'],
  [3, 'several policies'],
] as const;

function contextTag(number: number): number {
  return 0xa0 | number;
}

/** Any octet but 0 for true, and then the end: other writers take the encoding from C as it is. */
function readBoolean(reader: DerReader): boolean {
  const octets = reader.contents(tag.boolean);
  reader.end();
  if (octets.length !== 1) throw reader.malformed(`a boolean of ${octets.length} octets`);
  return octets[0] !== 0;
}

/** Handles of 0x81000000 and above come as negative numbers from writers who keep them in 32 bits. */
function handleOf(reader: DerReader): number {
  const contents = Buffer.from(reader.contents(tag.integer));
  const isNegative = contents.length === 4;
  if (contents.length < 1 || contents.length > 5 || (contents.length === 5 && contents[0] !== 0)) {
    throw reader.malformed(`a handle of ${contents.length} octets`);
  }
  return isNegative ? contents.readUInt32BE() : contents.readUIntBE(0, contents.length);
}

function bigEndian(handle: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(handle);
  return bytes;
}

function withSize(structure: Uint8Array): Uint8Array {
  const size = Buffer.alloc(2);
  size.writeUInt16BE(structure.length);
  return Buffer.concat([size, structure]);
}

function withoutSize(reader: DerReader, area: string): Uint8Array {
  const contents = Buffer.from(reader.octetString());
  if (contents.length < 2 || contents.readUInt16BE() !== contents.length - 2) {
    throw reader.malformed(`a ${area} area whose size does not fit it`);
  }
  return Uint8Array.from(contents.subarray(2));
}

function notAcceptable(found: string, expected: string): CountersignError {
  return new CountersignError(
    'KEY_NOT_ACCEPTABLE',
    `the TSS2 private key cannot be used: ${found}; expected ${expected}`,
    'Make a key with an authValue and no policy under the storage root key of this TPM.',
  );
}
