import { createHash } from 'node:crypto';
import { createCertificationRequest, type Certificate, type Key } from '@countersign/core';
import { ascending, bmpString, der, descend, integer, nullValue, octets, oid, sequence, set } from './der.ts';
import type { Enrollment } from './enrollment-fixture.ts';

export const data = '1.2.840.113549.1.7.1';
export const contentType = '1.2.840.113549.1.9.3';
export const messageDigest = '1.2.840.113549.1.9.4';
export const nameValuePair = '1.3.6.1.4.1.311.13.2.1';

/** What to write instead of the right thing. Whatever is absent is right, and signed by `key`. */
export interface Forgery {
  readonly key: Key;
  readonly certificate: Certificate;
  /** The PKCS#10 request. */
  readonly content: Uint8Array;
  readonly contentInfoType?: string;
  readonly version?: number;
  readonly eContentType?: string;
  readonly digestAlgorithms?: readonly Uint8Array[];
  readonly certificates?: readonly Uint8Array[];
  readonly attributes?: readonly Uint8Array[];
  /** Elements of signerInfos made of the right one. */
  readonly signerInfos?: (signerInfo: Uint8Array) => readonly Uint8Array[];
  readonly signerInfoVersion?: number;
  readonly sid?: Uint8Array;
  readonly digestAlgorithm?: Uint8Array;
  readonly signatureAlgorithm?: Uint8Array;
  /** What stands in place of the right signature. */
  readonly signature?: (signature: Uint8Array) => Uint8Array;
  /** What stands after signerInfos. */
  readonly trailer?: Uint8Array;
}

/** A countersigned request put together by hand, with an ECDSA P-256 key, by the letter of RFC 5652 5. */
export async function forgeCountersignature(forgery: Forgery): Promise<Uint8Array> {
  const { key, certificate, content, digestAlgorithm = sha256 } = forgery;
  const signedAttributes = ascending(forgery.attributes ?? rightAttributes(content));
  const rightSignature = await key.sign('ecdsa-sha256', set(...signedAttributes));
  const signerInfo = sequence(
    integer(forgery.signerInfoVersion ?? 1),
    forgery.sid ?? issuerAndSerialNumber(certificate),
    digestAlgorithm,
    der(0xa0, ...signedAttributes),
    forgery.signatureAlgorithm ?? ecdsaWithSha256,
    octets(forgery.signature?.(rightSignature) ?? rightSignature),
  );
  const { eContentType = data, certificates = [certificate.der] } = forgery;
  const signedData = sequence(
    integer(forgery.version ?? (eContentType === data ? 1 : 3)),
    set(...(forgery.digestAlgorithms ?? [digestAlgorithm])),
    sequence(oid(eContentType), der(0xa0, octets(content))),
    ...(certificates.length === 0 ? [] : [der(0xa0, ...ascending(certificates))]),
    set(...ascending(forgery.signerInfos?.(signerInfo) ?? [signerInfo])),
    ...(forgery.trailer === undefined ? [] : [forgery.trailer]),
  );
  return sequence(oid(forgery.contentInfoType ?? '1.2.840.113549.1.7.2'), der(0xa0, signedData));
}

/** What to change in a countersigned request, given its right attributes and the PKCS#10 request. */
export type Change = (right: readonly Uint8Array[], content: Uint8Array) => Partial<Forgery>;

/** Alice's own request, new each time, with what is asked for instead of the right thing. */
export async function forgeForAlice(enrollment: Enrollment, change: Change): Promise<Uint8Array> {
  const { aliceKey, agentKey: key, agentCertificate: certificate } = enrollment;
  const content = await createCertificationRequest(aliceKey);
  const right = rightAttributes(content);
  return forgeCountersignature({ key, certificate, content, ...change(right, content) });
}

/** The signed attributes that a countersigned request for Alice has: content type, digest, requester. */
export function rightAttributes(content: Uint8Array): Uint8Array[] {
  return [contentTypeAttribute(data), digestAttribute(content), requesterAttribute('CONTOSO\\alice')];
}

export function contentTypeAttribute(type: string): Uint8Array {
  return attribute(contentType, oid(type));
}

export function digestAttribute(content: Uint8Array, hash = 'sha256'): Uint8Array {
  return attribute(messageDigest, octets(createHash(hash).update(content).digest()));
}

export function requesterAttribute(...accounts: readonly string[]): Uint8Array {
  return attribute(nameValuePair, ...ascending(accounts.map((account) => pair('requestername', account))));
}

export function pair(name: string, value: string): Uint8Array {
  return sequence(bmpString(name), bmpString(value));
}

export function attribute(type: string, ...values: readonly Uint8Array[]): Uint8Array {
  return sequence(oid(type), set(...values));
}

export function attributes(...parts: readonly (Uint8Array | undefined)[]): Partial<Forgery> {
  return { attributes: parts.filter((part) => part !== undefined) };
}

/** Content type and digest as given, and the name-value attribute with these values. */
export function withRequester(
  [type, digest]: readonly Uint8Array[],
  ...values: readonly Uint8Array[]
): Partial<Forgery> {
  return attributes(type, digest, attribute(nameValuePair, ...values));
}

export function issuerAndSerialNumber({ issuer, serialNumberOctets }: Certificate): Uint8Array {
  return sequence(issuer.der, der(0x02, serialNumberOctets));
}

export const sha256 = sequence(oid('2.16.840.1.101.3.4.2.1'));
export const sha256WithNull = sequence(oid('2.16.840.1.101.3.4.2.1'), nullValue());
export const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));

/** The other signature that holds wherever this ECDSA P-256 signature does: s replaced by n - s. */
export function mirroredSignature(signature: Uint8Array): Uint8Array {
  const s = BigInt(`0x${Buffer.from(descend(signature, [0, 1]).contents).toString('hex')}`);
  const mirrored = Buffer.from((n - s).toString(16).padStart(66, '0'), 'hex');
  const start = mirrored.findIndex((octet, i) => octet !== 0 || (mirrored[i + 1] ?? 0x80) >= 0x80);
  return sequence(descend(signature, [0, 0]).whole, der(0x02, mirrored.subarray(start)));
}

/** Order of the P-256 group (FIPS 186-5, SP 800-186 3.2.1.3). */
const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
