import { Certificate, CountersignError, parseSubjectAltName, userPrincipalNamesIn } from '@countersign/core';

/**
 * Holds the CA's answer against what was asked for: a certificate for the same key and user, which holds now and longer
 * than the old one.
 * @throws CountersignError `RESPONSE_MISMATCH`
 */
export function assertRenewed(answer: Uint8Array, replaces: Uint8Array, upn: string, now: Date): Certificate {
  const certificate = Certificate.parse(answer);
  const old = Certificate.parse(replaces);
  if (!certificate.publicKey.equals(old.publicKey)) {
    throw mismatch(certificate, `is for the key ${certificate.publicKey.keyId}, not ${old.publicKey.keyId}`);
  }
  const names = certificate.extension(subjectAltNameOid);
  const named = names === undefined ? [] : userPrincipalNamesIn(parseSubjectAltName(names));
  if (!named.some((name) => name.toLowerCase() === upn.toLowerCase())) {
    throw mismatch(certificate, `names ${named.join(', ') || 'nobody'}, not ${upn}`);
  }
  if (now < certificate.notBefore || now > certificate.notAfter) {
    throw mismatch(certificate, 'does not hold now');
  }
  if (certificate.notAfter <= old.notAfter) throw mismatch(certificate, 'ends no later than the old one');
  return certificate;
}

const subjectAltNameOid = '2.5.29.17';

function mismatch({ serialNumber }: Certificate, found: string): CountersignError {
  return new CountersignError(
    'RESPONSE_MISMATCH',
    `the certificate ${serialNumber} that came back for a renewal ${found}`,
    'The old certificate stays in place. Have the CA looked at, then try again.',
  );
}
