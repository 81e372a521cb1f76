import { Certificate, Name, type Extension, type Key } from '@countersign/core';
import {
  bitString,
  boolean,
  context,
  element,
  integer,
  octetString,
  oid,
  sequence,
} from '@countersign/core/asn1';

export interface HandmadeFields {
  readonly issuer: Name;
  readonly subject: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly validFrom?: Date;
  readonly validTo?: Date;
  readonly extensions: readonly Extension[];
}

let serialNumber = 1000;

/** A certificate as the fields have it, right or wrong, signed with a P-256 key. */
export async function certificateByHand(caKey: Key, fields: HandmadeFields): Promise<Certificate> {
  const { validFrom = new Date(Date.now() - 3_600_000), validTo = new Date(Date.now() + 3_600_000) } = fields;
  const tbsCertificate = sequence(
    context(0, integer(2)),
    integer(++serialNumber),
    ecdsaWithSha256,
    fields.issuer.der,
    sequence(utcTime(validFrom), utcTime(validTo)),
    Name.fromString(fields.subject).der,
    fields.publicKey,
    context(3, sequence(...fields.extensions.map(encoded))),
  );
  const signature = await caKey.sign('ecdsa-sha256', tbsCertificate);
  return Certificate.parse(sequence(tbsCertificate, ecdsaWithSha256, bitString(signature)));
}

export function extendedKeyUsage(...purposes: readonly string[]): Extension {
  return { oid: '2.5.29.37', critical: false, value: sequence(...purposes.map(oid)) };
}

/** One octet of named bits, as many unused as there are zeros at its end. */
export function keyUsage(bits: number): Extension {
  const unused = 31 - Math.clz32(bits & -bits);
  return { oid: '2.5.29.15', critical: true, value: element(0x03, Uint8Array.of(unused, bits)) };
}

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));

function encoded({ oid: id, critical, value }: Extension): Uint8Array {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

function utcTime(date: Date): Uint8Array {
  const digits = date.toISOString().replaceAll(/\.\d+Z|[-:T]/gu, '');
  return element(0x17, Buffer.from(`${digits.slice(2)}Z`, 'latin1'));
}
