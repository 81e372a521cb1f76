import { DerReader } from '../asn1/der-reader.ts';
import {
  boolean,
  context,
  contextContents,
  integer,
  namedBits,
  octetString,
  oid,
  sequence,
} from '../asn1/der-writer.ts';
import { contextPrimitive, tag } from '../asn1/tag.ts';
import { oids } from '../object-identifiers.ts';
import type { Extension } from './extension.ts';
import { encodeGeneralName, encodeGeneralNames, readGeneralNames, type GeneralName } from './general-name.ts';

/** Writers and readers of the extensions of RFC 5280 4.2. Readers take extnValue contents and accept DER only. */

/** Bits of KeyUsage in their order (RFC 5280 4.2.1.3). */
export const keyUsageBits = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export type KeyUsageBit = (typeof keyUsageBits)[number];

/** RFC 5280 4.2.1.3: SHOULD be critical. */
export function keyUsage(...usages: readonly KeyUsageBit[]): Extension {
  return critical(oids.keyUsage, namedBits(keyUsageBits.map((bit) => usages.includes(bit))));
}

export function parseKeyUsage(value: Uint8Array): KeyUsageBit[] {
  const reader = DerReader.document(value, 'key usage extension');
  const bits = reader.namedBits();
  if (bits.length === 0 || bits.length > keyUsageBits.length) {
    throw reader.malformed('KeyUsage asserts no bit, or one that does not exist');
  }
  reader.end();
  return keyUsageBits.filter((_, i) => bits[i] === true);
}

/** RFC 5280 4.2.1.12. */
export function extendedKeyUsage(...purposes: readonly string[]): Extension {
  return nonCritical(oids.extKeyUsage, sequence(...purposes.map(oid)));
}

export function parseExtendedKeyUsage(value: Uint8Array): string[] {
  const reader = DerReader.sequence(value, 'extended key usage extension');
  const purposes: string[] = [];
  while (!reader.done) purposes.push(reader.oid());
  if (purposes.length === 0) throw reader.malformed('ExtKeyUsageSyntax holds no purpose');
  return purposes;
}

export interface BasicConstraints {
  readonly cA: boolean;
  readonly pathLenConstraint: number | undefined;
}

/** RFC 5280 4.2.1.9: critical in CA certificates. */
export function basicConstraints({ cA, pathLenConstraint }: BasicConstraints): Extension {
  const parts = [
    ...(cA ? [boolean(true)] : []),
    ...(pathLenConstraint === undefined ? [] : [integer(pathLenConstraint)]),
  ];
  return critical(oids.basicConstraints, sequence(...parts));
}

export function parseBasicConstraints(value: Uint8Array): BasicConstraints {
  const reader = DerReader.sequence(value, 'basic constraints extension');
  const cA = reader.at(tag.boolean);
  // X.690 11.5: FALSE is the default and is left out.
  if (cA && !reader.boolean()) throw reader.malformed('cA is FALSE, which DER leaves out');
  const pathLenConstraint = reader.at(tag.integer) ? reader.smallInteger() : undefined;
  if (pathLenConstraint !== undefined && !cA)
    throw reader.malformed('a path length stands where cA is not set');
  reader.end();
  return { cA, pathLenConstraint };
}

/** RFC 5280 4.2.1.2. */
export function subjectKeyIdentifier(keyIdentifier: Uint8Array): Extension {
  return nonCritical(oids.subjectKeyIdentifier, octetString(keyIdentifier));
}

export function parseSubjectKeyIdentifier(value: Uint8Array): Uint8Array {
  const reader = DerReader.document(value, 'subject key identifier extension');
  const keyIdentifier = reader.octetString();
  reader.end();
  return keyIdentifier;
}

/** RFC 5280 4.2.1.1, in the form with the key identifier alone. */
export function authorityKeyIdentifier(keyIdentifier: Uint8Array): Extension {
  return nonCritical(oids.authorityKeyIdentifier, sequence(contextContents(0, keyIdentifier)));
}

/** @returns the key identifier, if the extension has one */
export function parseAuthorityKeyIdentifier(value: Uint8Array): Uint8Array | undefined {
  const reader = DerReader.sequence(value, 'authority key identifier extension');
  const keyIdentifier = reader.at(contextPrimitive(0)) ? reader.contextContents(0) : undefined;
  // Issuer and serial must both be there or both be absent.
  if (!reader.done) {
    readGeneralNames(reader.context(1));
    reader.integer(contextPrimitive(2));
  }
  reader.end();
  return keyIdentifier;
}

/** RFC 5280 4.2.1.6; critical where the subject is empty. */
export function subjectAltName(
  names: readonly GeneralName[],
  options: { critical?: boolean } = {},
): Extension {
  return { oid: oids.subjectAltName, critical: options.critical === true, value: encodeGeneralNames(names) };
}

export function parseSubjectAltName(value: Uint8Array): GeneralName[] {
  return readGeneralNames(DerReader.sequence(value, 'subject alternative name extension'));
}

/** RFC 5280 4.2.1.13: one distribution point with these URIs as its full name. */
export function cRLDistributionPoints(uris: readonly string[]): Extension {
  const fullName = context(0, context(0, ...uris.map(uriName)));
  return nonCritical(oids.cRLDistributionPoints, sequence(sequence(fullName)));
}

/** RFC 5280 4.2.2.1: URIs at which the issuer's certificate and its OCSP responder are found. */
export function authorityInfoAccess(uris: {
  readonly caIssuers: readonly string[];
  readonly ocsp: readonly string[];
}): Extension {
  return nonCritical(
    oids.authorityInfoAccess,
    sequence(
      ...accessDescriptions(oids.ocsp, uris.ocsp),
      ...accessDescriptions(oids.caIssuers, uris.caIssuers),
    ),
  );
}

function accessDescriptions(accessMethod: string, uris: readonly string[]): Uint8Array[] {
  return uris.map((uri) => sequence(oid(accessMethod), uriName(uri)));
}

function uriName(text: string): Uint8Array {
  return encodeGeneralName({ kind: 'uniformResourceIdentifier', text });
}

function critical(id: string, value: Uint8Array): Extension {
  return { oid: id, critical: true, value };
}

function nonCritical(id: string, value: Uint8Array): Extension {
  return { oid: id, critical: false, value };
}
