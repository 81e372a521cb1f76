import {
  decodePemOrDer,
  Certificate,
  CertificationRequest,
  CountersignError,
  PublicKey,
} from '@countersign/core';
import { readFileBytes } from '@countersign/state';

/** Readers of what a command is pointed at: PEM or DER, one object a file, nothing after it. */

/** @returns PKCS#10, DER, not yet parsed */
export async function readRequestFile(path: string): Promise<Uint8Array> {
  return decodePemOrDer(await readFileBytes(path), ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']);
}

/** @returns what a CA is asked to issue from: CMS (or, to be refused by name, a plain request), DER, not yet parsed */
export async function readCountersignedFile(path: string): Promise<Uint8Array> {
  return decodePemOrDer(await readFileBytes(path), [
    'CMS',
    'PKCS7',
    'CERTIFICATE REQUEST',
    'NEW CERTIFICATE REQUEST',
  ]);
}

export async function readCertificateFile(path: string): Promise<Certificate> {
  return Certificate.parse(decodePemOrDer(await readFileBytes(path), ['CERTIFICATE']));
}

/** The public key in a request, a certificate or a bare SubjectPublicKeyInfo. A request must prove possession. */
export async function readPublicKeyFile(path: string): Promise<PublicKey> {
  const der = decodePemOrDer(await readFileBytes(path), [
    'PUBLIC KEY',
    'CERTIFICATE',
    'CERTIFICATE REQUEST',
    'NEW CERTIFICATE REQUEST',
  ]);
  switch (innerTag(der)) {
    case tagOf.version: {
      const request = CertificationRequest.parse(der);
      request.verifyProofOfPossession();
      return request.publicKey;
    }
    case tagOf.explicitVersion:
      return Certificate.parse(der).publicKey;
    case tagOf.algorithm:
      return PublicKey.parse(der);
    case undefined:
    default:
      throw new CountersignError(
        'DER_MALFORMED',
        `${path} is neither a certification request, nor a certificate, nor a public key`,
        'Give one of these, in PEM or DER.',
      );
  }
}

/** The three begin alike, SEQUENCE { SEQUENCE { …, and differ in the first element inside. */
const tagOf = { version: 0x02, explicitVersion: 0xa0, algorithm: 0x06 };

function innerTag(der: Uint8Array): number | undefined {
  const outer = contentsAt(der, 0);
  // A SubjectPublicKeyInfo's inner SEQUENCE is the AlgorithmIdentifier, which begins with its OID.
  return der[contentsAt(der, outer)];
}

function contentsAt(der: Uint8Array, at: number): number {
  const length = der[at + 1] ?? 0;
  return at + 2 + (length >= 0x80 ? length & 0x7f : 0);
}
