import { X509Certificate } from 'node:crypto';
import { CountersignError } from '@countersign/core';

/**
 * @param certificate DER, nothing before or after it.
 * @param publicKey SubjectPublicKeyInfo, DER.
 * @throws CountersignError `DER_MALFORMED` if it is no certificate, `CERTIFICATE_KEY_MISMATCH` if it certifies another key.
 */
export function checkCertifies(certificate: Uint8Array, publicKey: Uint8Array): void {
  const certified = certifiedKey(certificate);
  if (Buffer.compare(certified, publicKey) !== 0) {
    throw new CountersignError(
      'CERTIFICATE_KEY_MISMATCH',
      'the certificate is for another key than the one it should lie beside',
      'Check which key was in the request that this certificate answers.',
    );
  }
}

function certifiedKey(certificate: Uint8Array): Uint8Array {
  let parsed: X509Certificate;
  let spki: Uint8Array;
  try {
    parsed = new X509Certificate(certificate);
    spki = parsed.publicKey.export({ format: 'der', type: 'spki' });
  } catch (cause) {
    throw notCertificate('it cannot be parsed', cause);
  }
  // OpenSSL also takes PEM, and DER with something after it.
  if (Buffer.compare(parsed.raw, certificate) !== 0)
    throw notCertificate('there is more than one DER certificate');
  return spki;
}

function notCertificate(problem: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'DER_MALFORMED',
    `this is not an X.509 certificate in DER: ${problem}`,
    'Convert it to DER first, for example with: openssl x509 -outform DER',
    { cause },
  );
}
