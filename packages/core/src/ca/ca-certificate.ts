import { CountersignError } from '../errors.ts';
import type { Key } from '../keys/key-provider.ts';
import { preferredScheme } from '../keys/preferred-scheme.ts';
import { PublicKey } from '../keys/public-key.ts';
import { oids } from '../object-identifiers.ts';
import { Certificate } from '../x509/certificate.ts';
import type { Name } from '../x509/name.ts';
import { sign } from '../x509/signed-structure.ts';
import { parseBasicConstraints, parseKeyUsage } from '../x509/standard-extensions.ts';
import { encodeTbsCertificate } from '../x509/tbs-certificate.ts';
import { newSerialNumber } from './issuance/serial-number.ts';
import { validityFrom } from './issuance/validity.ts';
import { rootCa } from './profiles/ca.ts';

/** Makes the self-signed certificate with which a CA starts (profile `ca`). */
export async function createRootCertificate(key: Key, subject: Name, now: Date): Promise<Certificate> {
  if (subject.isEmpty) {
    throw new CountersignError(
      'NAME_MALFORMED',
      'the subject of a CA is empty; expected a distinguished name (RFC 5280 4.1.2.6)',
      'Give one, for example CN=Contoso Issuing CA,O=Contoso.',
    );
  }
  const publicKey = PublicKey.parse(key.publicKey);
  const scheme = preferredScheme(key);
  const contents = rootCa(subject, publicKey);
  const tbsCertificate = encodeTbsCertificate({
    serialNumber: newSerialNumber(),
    scheme,
    issuer: subject,
    subject,
    publicKey,
    ...validityFrom(now, contents),
    extensions: contents.extensions,
  });
  return Certificate.parse(await sign(key, scheme, tbsCertificate));
}

/** @throws CountersignError `ISSUER_NOT_ACCEPTABLE` unless this is a CA certificate for this key */
export function assertCaCertificate(certificate: Certificate, key: Key): void {
  const constraints = certificate.extension(oids.basicConstraints);
  if (constraints === undefined || !parseBasicConstraints(constraints).cA) {
    throw notAcceptable('is not the certificate of a CA (basicConstraints)');
  }
  const usage = certificate.extension(oids.keyUsage);
  const usages = usage === undefined ? [] : parseKeyUsage(usage);
  if (!usages.includes('keyCertSign') || !usages.includes('cRLSign')) {
    throw notAcceptable('may not sign certificates and CRLs (keyUsage)');
  }
  if (!PublicKey.parse(key.publicKey).equals(certificate.publicKey)) {
    throw notAcceptable(`does not certify the key ${key.ref}`);
  }
}

function notAcceptable(found: string): CountersignError {
  return new CountersignError(
    'ISSUER_NOT_ACCEPTABLE',
    `the certificate given to the CA ${found}`,
    'Make a CA with: countersign ca init --dir CA --directory DIR',
  );
}
