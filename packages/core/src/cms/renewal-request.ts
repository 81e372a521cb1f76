import type { Key } from '../keys/key-provider.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { oids } from '../object-identifiers.ts';
import { time } from '../asn1/der-writer.ts';
import { CountersignError } from '../errors.ts';
import type { Attribute } from '../request/certification-request-info.ts';
import type { CertificationRequest } from '../request/certification-request.ts';
import type { Certificate } from '../x509/certificate.ts';
import { createSignedData } from './signed-data.ts';

/** The attribute by which a request says which certificate it renews (MS-WCCE 2.2.2.7.4, szOID_RENEWAL_CERTIFICATE). */
export function renewalCertificateAttribute(certificate: Certificate): Attribute {
  return { type: oids.renewalCertificate, values: [certificate.der] };
}

/**
 * Wraps a request in the form that AD CS takes for a renewal: signed by the certificate that is renewed
 * (MS-WCCE 3.1.1.4.3.2). No agent is needed, because the holder proves to be the one enrolled before.
 * @param key of the certificate that is renewed; the request's key may be the same or another
 * @param request with the attribute of `renewalCertificateAttribute`
 * @param signingTime now if absent; whole seconds count
 * @returns ContentInfo, DER
 */
export async function createRenewalRequest(
  key: Key,
  scheme: SignatureScheme,
  certificate: Certificate,
  request: CertificationRequest,
  signingTime: Date = new Date(),
): Promise<Uint8Array> {
  assertRenews(request, certificate);
  return createSignedData(key, scheme, {
    eContentType: oids.data,
    content: request.der,
    certificate,
    signedAttributes: [{ type: oids.signingTime, value: time(signingTime) }],
  });
}

/** Whether a request says that it renews a certificate, whichever. */
export function isRenewal({ attributes }: CertificationRequest): boolean {
  return attributes.some(({ type }) => type === oids.renewalCertificate);
}

/** @throws CountersignError `RENEWAL_NOT_POSSIBLE` unless the request says that it renews this certificate and no other */
export function assertRenews({ attributes }: CertificationRequest, certificate: Certificate): void {
  const values = attributes
    .filter(({ type }) => type === oids.renewalCertificate)
    .flatMap((attribute) => attribute.values);
  const [value, ...others] = values;
  if (value !== undefined && others.length === 0 && Buffer.compare(value, certificate.der) === 0) return;
  throw new CountersignError(
    'RENEWAL_NOT_POSSIBLE',
    `the request names ${values.length === 0 ? 'no certificate' : 'another certificate, or several,'} to renew; it is signed by ${certificate.serialNumber}`,
    'Put the certificate that is renewed, and whose key signs, into the request (1.3.6.1.4.1.311.13.1).',
    { adcs: 'ERROR_INVALID_DATA' },
  );
}
