import { createHash } from 'node:crypto';
import { DerReader } from '../asn1/der-reader.ts';
import { bitString, sequence } from '../asn1/der-writer.ts';
import { CountersignError } from '../errors.ts';
import type { PublicKey } from '../keys/public-key.ts';
import {
  digestAlgorithmIdentifier,
  isDigestAlgorithm,
  parseDigestAlgorithm,
} from '../keys/signature-algorithm.ts';
import { oids } from '../object-identifiers.ts';
import type { CertificationRequest } from '../request/certification-request.ts';
import { encodeCertificationRequestInfo } from '../request/create-certification-request.ts';
import { encodeExtensions } from '../x509/extension.ts';
import { Name } from '../x509/name.ts';
import { readSigned } from '../x509/signed-structure.ts';
import { subjectKeyIdentifier } from '../x509/standard-extensions.ts';

/**
 * Makes a PKCS#10 request for a public key whose private key is elsewhere. In place of the signature stands a hash
 * (MS-WCCE 2.2.2.6.5), which proves nothing: whoever countersigns vouches that the key is its holder's. Of the holder's
 * own request nothing is left but the key; the subject key identifier is there for the SignerInfo that refers to it
 * (RFC 5272 3.2).
 * @returns DER
 */
export function createNullSignedRequest(publicKey: PublicKey): Uint8Array {
  const { subjectPublicKeyInfo, keyIdentifier } = publicKey;
  const extensionRequest = {
    type: oids.extensionRequest,
    values: [encodeExtensions([subjectKeyIdentifier(keyIdentifier)])],
  };
  const info = encodeCertificationRequestInfo(Name.empty, subjectPublicKeyInfo, [extensionRequest]);
  const hash = createHash('sha256').update(info).digest();
  return sequence(info, digestAlgorithmIdentifier('sha256'), bitString(hash));
}

/** Whether the request names a bare hash where a signature algorithm should stand. */
export function hasNullSignature(request: CertificationRequest): boolean {
  return isDigestAlgorithm(signatureAlgorithmOf(request));
}

/**
 * Checks the hash that stands in place of a signature. That is a check against damage and no proof of possession.
 * @throws CountersignError `PROOF_OF_POSSESSION_INVALID`
 */
export function verifyNullSignature(request: CertificationRequest): void {
  const hash = parseDigestAlgorithm(signatureAlgorithmOf(request));
  const expected = createHash(hash).update(request.certificationRequestInfo).digest();
  if (Buffer.compare(expected, request.signature) === 0) return;
  throw new CountersignError(
    'PROOF_OF_POSSESSION_INVALID',
    'the null signature of the certification request is not the hash of it',
    'Have the request countersigned again; if it fails again, something alters it on its way.',
    { adcs: 'NTE_BAD_SIGNATURE' },
  );
}

function signatureAlgorithmOf(request: CertificationRequest): Uint8Array {
  return readSigned(DerReader.document(request.der, 'certification request')).signatureAlgorithm;
}
