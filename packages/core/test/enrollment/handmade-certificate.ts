import { Certificate, type Extension, type Key, type Name } from '@countersign/core';
import { der, octets, oid, sequence } from './der.ts';
import { caName, now } from './enrollment-fixture.ts';

export interface HandmadeFields {
  /** Contents octets of the INTEGER. */
  readonly serialNumber: Uint8Array;
  readonly issuer: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: Name;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly extensions: readonly Extension[];
}

/** A certificate as the fields have it, right or wrong, signed with an ECDSA P-256 key. */
export async function certificateByHand(
  key: Pick<Key, 'sign'>,
  fields: HandmadeFields,
): Promise<Certificate> {
  const tbsCertificate = sequence(
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, fields.serialNumber),
    ecdsaWithSha256,
    fields.issuer.der,
    sequence(utcTime(fields.notBefore), utcTime(fields.notAfter)),
    fields.subject.der,
    fields.publicKey,
    der(0xa3, sequence(...fields.extensions.map(encoded))),
  );
  const signature = await key.sign('ecdsa-sha256', tbsCertificate);
  const bits = der(0x03, Uint8Array.of(0), signature);
  return Certificate.parse(sequence(tbsCertificate, ecdsaWithSha256, bits));
}

/** A self-signed CA certificate, ten years from the tests' time, with these extensions beside the two that it must have. */
export async function caCertificateByHand(
  key: Key,
  extensions: readonly Extension[] = [],
  changes: Partial<HandmadeFields> = {},
): Promise<Certificate> {
  return certificateByHand(key, {
    serialNumber: Uint8Array.of(1),
    issuer: caName,
    notBefore: new Date(now.getTime() - 3_600_000),
    notAfter: new Date('2036-03-04T00:00:00Z'),
    subject: caName,
    publicKey: key.publicKey,
    extensions: [basicConstraintsOfCa, keyUsageOfCa, ...extensions],
    ...changes,
  });
}

export function extendedKeyUsageOf(...purposes: readonly string[]): Extension {
  return { oid: '2.5.29.37', critical: false, value: sequence(...purposes.map(oid)) };
}

export function subjectKeyIdentifierOf(keyIdentifier: Uint8Array): Extension {
  return { oid: '2.5.29.14', critical: false, value: octets(keyIdentifier) };
}

/** Name constraints that permit the subtree below this name (RFC 5280 4.2.1.10). */
export function permittedSubtree(base: Name): Extension {
  // GeneralSubtree { base [4] directoryName }
  const value = sequence(der(0xa0, sequence(der(0xa4, base.der))));
  return { oid: '2.5.29.30', critical: true, value };
}

const basicConstraintsOfCa = {
  oid: '2.5.29.19',
  critical: true,
  value: sequence(der(0x01, Uint8Array.of(0xff))),
};

/** keyCertSign, cRLSign. */
const keyUsageOfCa = { oid: '2.5.29.15', critical: true, value: der(0x03, Uint8Array.of(1, 0x06)) };

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));

function encoded({ oid: id, critical, value }: Extension): Uint8Array {
  const flag = critical ? [der(0x01, Uint8Array.of(0xff))] : [];
  return sequence(oid(id), ...flag, octets(value));
}

/** For the years 1950 to 2049 (RFC 5280 4.1.2.5.1). */
function utcTime(date: Date): Uint8Array {
  const digits = date.toISOString().replaceAll(/\.\d+Z|[-:T]/gu, '');
  return der(0x17, Buffer.from(`${digits.slice(2)}Z`, 'latin1'));
}
