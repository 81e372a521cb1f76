import { oids } from '../object-identifiers.ts';
import { CountersignError } from '../errors.ts';
import type { Key } from '../keys/key-provider.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { CertificationRequest } from '../request/certification-request.ts';
import type { Certificate } from '../x509/certificate.ts';
import { DerReader } from '../asn1/der-reader.ts';
import { time } from '../asn1/der-writer.ts';
import { parseSignedData, type SignedData } from './parse-signed-data.ts';
import { onlyRequesterName, requesterNameAttribute, signedRequesterNames } from './requester-name.ts';
import { createSignedData } from './signed-data.ts';

/** A request on behalf of someone: CMS around PKCS#10, signed by an enrollment agent (MS-WCCE 3.1.1.4.3.3.2). */
export interface CountersignedRequest {
  readonly signedData: SignedData;
  readonly request: CertificationRequest;
  /** `DOMAIN\account` from the signed requestername attribute. */
  readonly requesterName: string;
}

/**
 * Wraps a certification request in the enroll-on-behalf-of form that AD CS takes.
 * @param requesterName `DOMAIN\account` of the user that the certificate is for
 * @param signingTime now if absent; whole seconds count
 * @returns ContentInfo, DER
 */
export async function createCountersignedRequest(
  key: Key,
  scheme: SignatureScheme,
  agentCertificate: Certificate,
  request: CertificationRequest,
  requesterName: string,
  signingTime: Date = new Date(),
): Promise<Uint8Array> {
  return createSignedData(key, scheme, {
    eContentType: oids.data,
    content: request.der,
    certificate: agentCertificate,
    signedAttributes: [
      requesterNameAttribute(requesterName),
      // RFC 5652 11.3. Tells a later countersignature of the same request from a replay, also where signatures are
      // deterministic (RSASSA-PKCS1-v1_5): who renews with the same key may make the very same request.
      { type: oids.signingTime, value: time(signingTime) },
    ],
  });
}

/**
 * Parses a countersigned request; no signature is verified yet.
 * @throws CountersignError `DER_MALFORMED`; `REQUEST_NOT_COUNTERSIGNED` for a plain request or one without a signer;
 *   `REQUESTER_MISMATCH` if no requester is named, or two
 */
export function parseCountersignedRequest(der: Uint8Array): CountersignedRequest {
  const { signedData, request } = parseSignedRequest(der);
  return {
    signedData,
    request,
    requesterName: onlyRequesterName(signedRequesterNames(signedData.signerInfo)),
  };
}

/** A PKCS#10 request in CMS that somebody signed, on whose behalf whatsoever. Throws as `parseCountersignedRequest`. */
export function parseSignedRequest(der: Uint8Array): Pick<CountersignedRequest, 'signedData' | 'request'> {
  if (isPlainRequest(der)) {
    throw new CountersignError(
      'REQUEST_NOT_COUNTERSIGNED',
      'this is a plain PKCS#10 request; the profile demands the signature of one enrollment agent around it',
      'Have it countersigned first: countersign ra countersign --dir RA --request FILE --requester UPN --out FILE',
      { adcs: 'CERTSRV_E_SIGNATURE_POLICY_REQUIRED' },
    );
  }
  const signedData = parseSignedData(der);
  if (signedData.eContentType !== oids.data) {
    throw new CountersignError(
      'DER_MALFORMED',
      `the CMS message holds content type ${signedData.eContentType}; expected id-data with a PKCS#10 request`,
      'Countersign in the cms or the cmc format.',
      { adcs: 'CRYPT_E_INVALID_MSG_TYPE' },
    );
  }
  return { signedData, request: CertificationRequest.parse(signedData.content) };
}

/** PKCS#10 starts with a SEQUENCE where CMS has an OBJECT IDENTIFIER. */
function isPlainRequest(der: Uint8Array): boolean {
  return (
    DerReader.document(der, 'request').at(0x30) && DerReader.document(der, 'request').sequence().at(0x30)
  );
}
