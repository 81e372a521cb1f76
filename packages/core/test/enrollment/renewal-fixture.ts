import {
  CertificationRequest,
  createCertificationRequest,
  createRenewalRequest,
  renewalCertificateAttribute,
  type Attribute,
  type Certificate,
  type Key,
} from '@countersign/core';
import {
  contentTypeAttribute,
  data,
  digestAttribute,
  forgeCountersignature,
} from './countersignature-forger.ts';
import { countersignForAlice, createEnrollment, now, type Enrollment } from './enrollment-fixture.ts';

/** An enrollment in which Alice holds a certificate for her key. */
export interface Renewable extends Enrollment {
  readonly held: Certificate;
}

export async function createRenewable(): Promise<Renewable> {
  const enrollment = await createEnrollment();
  return { ...enrollment, held: await enrollment.ca.issue(await countersignForAlice(enrollment)) };
}

/** Asks for a renewal as the library does. @param key of the certificate; the request is for `newKey` */
export async function askForRenewal(
  key: Key,
  certificate: Certificate,
  newKey: Key = key,
): Promise<Uint8Array> {
  const attributes = [renewalCertificateAttribute(certificate)];
  const request = CertificationRequest.parse(await createCertificationRequest(newKey, { attributes }));
  return createRenewalRequest(key, 'ecdsa-sha256', certificate, request, now);
}

/** What a hand-made renewal has instead of the right thing. */
export interface WrongRenewal {
  /** Whose key signs. */
  readonly key: Key;
  /** The certificate that the signature is said to be under. */
  readonly certificate: Certificate;
  readonly newKey?: Key;
  /** Of the PKCS#10 request; the right one if absent. */
  readonly attributes?: readonly Attribute[];
  /** What happens to the PKCS#10 request before it is wrapped and signed. */
  readonly alter?: (request: Uint8Array) => Uint8Array;
  /** What stands in place of the right signature around it. */
  readonly signature?: (signature: Uint8Array) => Uint8Array;
}

/** A renewal that the library would not make. */
export async function forgeRenewal(wrong: WrongRenewal): Promise<Uint8Array> {
  const { key, certificate, newKey = key, alter = (request) => request } = wrong;
  const { attributes = [renewalCertificateAttribute(certificate)] } = wrong;
  const content = alter(await createCertificationRequest(newKey, { attributes }));
  return forgeCountersignature({
    key,
    certificate,
    content,
    attributes: [contentTypeAttribute(data), digestAttribute(content)],
    ...(wrong.signature === undefined ? {} : { signature: wrong.signature }),
  });
}
