import type { DistinguishedName } from './distinguished-names.ts';

/** What two programs must read alike, in a form that belongs to neither. Octets are lower-case hex, times ISO 8601. */

export interface RequestValues {
  readonly subject: DistinguishedName;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: string;
  /** All but the requested extensions, by type; their values are whole elements in ascending order. */
  readonly attributes: readonly AttributeValues[];
  readonly extensionRequests: readonly ExtensionValues[];
  readonly userPrincipalNames: readonly string[];
  /** Whether the request's own key made its signature. */
  readonly verifies: boolean;
}

export interface AttributeValues {
  readonly type: string;
  readonly values: readonly string[];
}

export interface ExtensionValues {
  readonly oid: string;
  readonly critical: boolean;
  /** Contents of extnValue. */
  readonly value: string;
}

export interface CertificateValues {
  readonly serialNumber: string;
  readonly issuer: DistinguishedName;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly subject: DistinguishedName;
  readonly publicKey: string;
  readonly extensions: readonly ExtensionValues[];
  readonly meaning: ExtensionMeaning;
  /** Whether the issuer's key made its signature. */
  readonly verifies: boolean;
}

/** What the standard extensions say once they are decoded; an absent extension says nothing. */
export interface ExtensionMeaning {
  /** Names of RFC 5280 4.2.1.3, in the order of their bits. */
  readonly keyUsage?: readonly string[];
  readonly extKeyUsage?: readonly string[];
  readonly basicConstraints?: { readonly cA: boolean; readonly pathLenConstraint?: number };
  readonly userPrincipalNames?: readonly string[];
  readonly dNSNames?: readonly string[];
  readonly subjectKeyIdentifier?: string;
  readonly authorityKeyIdentifier?: string;
  readonly crlUris?: readonly string[];
  readonly caIssuersUris?: readonly string[];
}

/** What one extension says, if it is there. */
export function said<T>(value: T | undefined, say: (value: T) => ExtensionMeaning): ExtensionMeaning {
  return value === undefined ? {} : say(value);
}

export function saidTogether(meanings: readonly ExtensionMeaning[]): ExtensionMeaning {
  return meanings.reduce<ExtensionMeaning>((all, meaning) => Object.assign(all, meaning), {});
}

export interface CrlValues {
  readonly issuer: DistinguishedName;
  readonly thisUpdate: string;
  readonly nextUpdate: string;
  readonly crlNumber: number;
  readonly authorityKeyIdentifier: string;
  readonly extensions: readonly ExtensionValues[];
  readonly entries: readonly RevokedValues[];
  readonly verifies: boolean;
}

export interface RevokedValues {
  readonly serialNumber: string;
  readonly revokedAt: string;
  /** Code of CRLReason; 0 where it is not given (RFC 5280 5.3.1). */
  readonly reason: number;
}

export interface CountersignedValues {
  readonly eContentType: string;
  /** The request. */
  readonly content: string;
  readonly certificates: readonly string[];
  readonly signerIssuer: DistinguishedName;
  readonly signerSerialNumber: string;
  readonly digestAlgorithm: string;
  /** By type; their values are whole elements. */
  readonly signedAttributes: readonly AttributeValues[];
  readonly verifies: boolean;
}

export function hex(bytes: Uint8Array | ArrayBuffer): string {
  return Buffer.from(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes)).toString('hex');
}

export function octets(hexText: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(hexText, 'hex'));
}

export function byType<T extends { readonly type: string }>(attributes: readonly T[]): T[] {
  return [...attributes].sort((a, b) => (a.type < b.type ? -1 : 1));
}
