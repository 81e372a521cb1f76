import { Certificate, Name, type Key } from '@countersign/core';
import {
  bitString,
  boolean,
  context,
  element,
  integer,
  octetString,
  oid,
  sequence,
  time,
} from '../path-validation/der.ts';

/** Certificates and responses with a P-256 key, right or wrong as a test wants them. */

export interface HandmadeExtension {
  readonly oid: string;
  readonly critical?: boolean;
  /** extnValue contents, DER. */
  readonly value: Uint8Array;
}

export interface HandmadeCertificate {
  readonly issuer: string;
  readonly subject: string;
  readonly serialNumber: number;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly HandmadeExtension[];
}

export async function certify(
  signer: Key,
  holder: Pick<Key, 'publicKey'>,
  fields: HandmadeCertificate,
): Promise<Certificate> {
  const tbs = sequence(
    context(0, integer(2)),
    integer(fields.serialNumber),
    ecdsaWithSha256,
    Name.fromString(fields.issuer).der,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    Name.fromString(fields.subject).der,
    holder.publicKey,
    context(3, encodeExtensions(fields.extensions)),
  );
  return Certificate.parse(await signed(signer, tbs));
}

export const keyUsage = {
  digitalSignature: extension('2.5.29.15', element(0x03, Uint8Array.of(0x07, 0x80)), true),
  nonRepudiation: extension('2.5.29.15', element(0x03, Uint8Array.of(0x06, 0x40)), true),
  keyCertSign: extension('2.5.29.15', element(0x03, Uint8Array.of(0x02, 0x04)), true),
};
export const ocspSigning = extendedKeyUsage('1.3.6.1.5.5.7.3.9');
export const noCheck = extension('1.3.6.1.5.5.7.48.1.5', element(0x05));

export function extendedKeyUsage(...purposes: readonly string[]): HandmadeExtension {
  return extension('2.5.29.37', sequence(...purposes.map(oid)));
}

export function extension(id: string, value: Uint8Array, critical = false): HandmadeExtension {
  return { oid: id, critical, value };
}

/** The parts of a BasicOCSPResponse: elements, DER. */
export interface HandmadeResponse {
  readonly version?: Uint8Array;
  readonly responderId: Uint8Array;
  readonly producedAt: Uint8Array;
  readonly responses: readonly Uint8Array[];
  readonly extensions?: readonly HandmadeExtension[];
  readonly certificates?: readonly Uint8Array[];
}

export async function respond(signer: Key, parts: HandmadeResponse): Promise<Uint8Array> {
  const { version, responderId, producedAt, responses, extensions, certificates } = parts;
  const responseData = sequence(
    ...(version === undefined ? [] : [version]),
    responderId,
    producedAt,
    sequence(...responses),
    ...(extensions === undefined ? [] : [context(1, encodeExtensions(extensions))]),
  );
  const enclosed = certificates === undefined ? [] : [context(0, sequence(...certificates))];
  return wrapped(await signed(signer, responseData, ...enclosed));
}

/** @param basic BasicOCSPResponse, DER */
export function wrapped(basic: Uint8Array, type = '1.3.6.1.5.5.7.48.1.1'): Uint8Array {
  return sequence(enumerated(0), context(0, sequence(oid(type), octetString(basic))));
}

export function enumerated(value: number): Uint8Array {
  return element(0x0a, Uint8Array.of(value));
}

export function generalizedTime(date: Date): Uint8Array {
  return element(0x18, Buffer.from(`${date.toISOString().replaceAll(/\.\d+Z|[-:T]/gu, '')}Z`));
}

export function encodeExtensions(extensions: readonly HandmadeExtension[]): Uint8Array {
  const encoded = extensions.map(({ oid: id, critical, value }) =>
    sequence(oid(id), ...(critical === true ? [boolean(true)] : []), octetString(value)),
  );
  return sequence(...encoded);
}

async function signed(
  signer: Key,
  toBeSigned: Uint8Array,
  ...more: readonly Uint8Array[]
): Promise<Uint8Array> {
  const signature = await signer.sign('ecdsa-sha256', toBeSigned);
  return sequence(toBeSigned, ecdsaWithSha256, bitString(signature), ...more);
}

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
