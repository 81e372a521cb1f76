import * as fc from 'fast-check';
import { keyIdentifier, rootAt } from './certificate-cases.ts';
import { serialNumber } from './crl-cases.ts';
import { element, objectIdentifier, sequence, utf8String } from './der.ts';
import { distinguishedName, type DistinguishedName } from './distinguished-names.ts';
import { extensionOids as oids, keyUsageNames } from './extension-oids.ts';
import { extensions, userPrincipalName } from './request-cases.ts';
import { signerFrom, type Signer } from './software-key.ts';
import { hex, octets, type CertificateValues, type ExtensionValues } from './values.ts';

/** What a certificate from another program is to say. */
export interface IssuedCase {
  readonly issuer: Signer;
  readonly subjectKey: Signer;
  readonly issuerName: DistinguishedName;
  readonly subject: DistinguishedName;
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly basicConstraints: { readonly cA: boolean; readonly pathLenConstraint?: number };
  /** Bits by their numbers, ascending. */
  readonly keyUsage: readonly number[];
  readonly extKeyUsage: readonly string[];
  readonly altNames: {
    readonly critical: boolean;
    readonly upns: readonly string[];
    readonly dNSNames: readonly string[];
  };
  /** Extensions that no program here knows. */
  readonly extensions: readonly ExtensionValues[];
}

export function issuedCase(
  issuers: readonly Signer[],
  subjects: readonly Signer[],
): fc.Arbitrary<IssuedCase> {
  return fc
    .record({
      issuer: signerFrom(issuers),
      subjectKey: signerFrom(subjects),
      issuerName: distinguishedName(),
      subject: distinguishedName(),
      serialNumber: serialNumber(),
      validity: fc.tuple(rootAt, rootAt),
      basicConstraints: fc.oneof(
        fc.constant({ cA: false }),
        fc.constant({ cA: true }),
        fc.nat({ max: 200 }).map((pathLenConstraint) => ({ cA: true, pathLenConstraint })),
      ),
      keyUsage: fc.subarray([...keyUsageNames.keys()], { minLength: 1 }),
      extKeyUsage: fc.subarray(purposes, { minLength: 1 }),
      altNames: fc.record({
        critical: fc.boolean(),
        upns: fc.array(userPrincipalName, { maxLength: 2 }),
        dNSNames: fc.array(fc.stringMatching(/^[a-z0-9]{1,12}\.example$/), { minLength: 1, maxLength: 2 }),
      }),
      extensions: extensions(),
    })
    .map(withOrderedValidity);
}

type Unordered = Omit<IssuedCase, 'notBefore' | 'notAfter'> & { readonly validity: [Date, Date] };

function withOrderedValidity({ validity: [a, b], ...others }: Unordered): IssuedCase {
  const [notBefore, notAfter] = a < b ? [a, b] : [b, a];
  return { ...others, notBefore: inWholeSeconds(notBefore), notAfter: inWholeSeconds(notAfter) };
}

/** What core must find in the certificate that was made of a case. */
export function expectedIssued(issued: IssuedCase): CertificateValues {
  const { basicConstraints, keyUsage, extKeyUsage, altNames } = issued;
  return {
    serialNumber: issued.serialNumber,
    issuer: issued.issuerName,
    notBefore: issued.notBefore.toISOString(),
    notAfter: issued.notAfter.toISOString(),
    subject: issued.subject,
    publicKey: hex(issued.subjectKey.key.publicKey),
    extensions: [...standardExtensions(issued), ...issued.extensions],
    meaning: {
      basicConstraints,
      keyUsage: keyUsageNames.filter((_, bit) => keyUsage.includes(bit)),
      extKeyUsage,
      userPrincipalNames: altNames.upns,
      dNSNames: altNames.dNSNames,
      subjectKeyIdentifier: keyIdentifier(hex(issued.subjectKey.key.publicKey)),
      authorityKeyIdentifier: keyIdentifier(hex(issued.issuer.key.publicKey)),
    },
    verifies: true,
  };
}

/** The octets that DER leaves no choice about, in the order in which the writers are told to put them. */
function standardExtensions({
  basicConstraints,
  keyUsage,
  extKeyUsage,
  altNames,
  ...keys
}: IssuedCase): ExtensionValues[] {
  const { cA, pathLenConstraint } = basicConstraints;
  const constraints = sequence(
    ...(cA ? [element(0x01, Uint8Array.of(0xff))] : []),
    ...(pathLenConstraint === undefined
      ? []
      : [element(0x02, Uint8Array.of(...(pathLenConstraint < 0x80 ? [] : [0]), pathLenConstraint))]),
  );
  const names = sequence(
    ...altNames.upns.map(upnName),
    ...altNames.dNSNames.map((name) => element(0x82, Buffer.from(name))),
  );
  const subjectKey = octets(keyIdentifier(hex(keys.subjectKey.key.publicKey)));
  const issuerKey = octets(keyIdentifier(hex(keys.issuer.key.publicKey)));
  return [
    { oid: oids.basicConstraints, critical: true, value: hex(constraints) },
    { oid: oids.keyUsage, critical: true, value: hex(element(0x03, keyUsageContents(keyUsage))) },
    { oid: oids.extKeyUsage, critical: false, value: hex(sequence(...extKeyUsage.map(objectIdentifier))) },
    { oid: oids.subjectAltName, critical: altNames.critical, value: hex(names) },
    { oid: oids.subjectKeyIdentifier, critical: false, value: hex(element(0x04, subjectKey)) },
    { oid: oids.authorityKeyIdentifier, critical: false, value: hex(sequence(element(0x80, issuerKey))) },
  ];
}

function upnName(upn: string): Uint8Array {
  return element(0xa0, objectIdentifier(oids.userPrincipalName), element(0xa0, utf8String(upn)));
}

/** Unused bits and octets of a BIT STRING that ends in its last one bit (X.690 11.2.2). */
export function keyUsageContents(bits: readonly number[]): Uint8Array<ArrayBuffer> {
  const last = Math.max(...bits);
  const contents = new Uint8Array(2 + (last >> 3));
  contents[0] = 7 - (last & 7);
  for (const bit of bits) contents[1 + (bit >> 3)] = (contents[1 + (bit >> 3)] ?? 0) | (0x80 >> (bit & 7));
  return contents;
}

const purposes = [
  '1.3.6.1.5.5.7.3.1',
  '1.3.6.1.5.5.7.3.2',
  '1.3.6.1.4.1.311.20.2.1',
  '1.3.6.1.4.1.311.20.2.2',
  '1.3.6.1.5.2.3.5',
  '2.5.29.37.0',
];

function inWholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}
