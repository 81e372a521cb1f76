import { CountersignError } from '../../errors.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { Ledger, LedgerEntry } from '../ledger.ts';

/** Whose certificate is held against the ledger: for messages. */
export type HolderRole = 'enrollment agent' | 'renewing';

/**
 * Finds out whether a certificate, whose key made a signature that was verified before, is one that this CA issued and
 * stands by: signed by it, in its validity, in the ledger to the octet, not revoked.
 * @returns what the ledger has of it
 * @throws CountersignError what the two halves throw
 */
export async function authenticateHolder(
  certificate: Certificate,
  role: HolderRole,
  caCertificate: Certificate,
  ledger: Pick<Ledger, 'find'>,
  now: Date,
): Promise<LedgerEntry> {
  assertIssuedHere(certificate, role, caCertificate, now);
  return requireStanding(certificate, role, ledger);
}

/** @throws CountersignError `CERTIFICATE_NOT_TRUSTED`, `CERTIFICATE_EXPIRED`, `CERTIFICATE_NOT_YET_VALID` */
export function assertIssuedHere(
  certificate: Certificate,
  role: HolderRole,
  caCertificate: Certificate,
  now: Date,
): void {
  if (!certificate.isIssuedBy(caCertificate)) {
    throw notTrusted(role, `was issued by ${certificate.issuer.toString()}, not by this CA's key`);
  }
  certificate.assertValidAt(now, role);
}

/** @throws CountersignError `CERTIFICATE_NOT_TRUSTED`, `CERTIFICATE_REVOKED` */
export async function requireStanding(
  certificate: Certificate,
  role: HolderRole,
  ledger: Pick<Ledger, 'find'>,
): Promise<LedgerEntry> {
  const entry = await ledger.find(certificate.serialNumber);
  if (entry?.certificate === undefined || Buffer.compare(entry.certificate, certificate.der) !== 0) {
    throw notTrusted(role, 'is not in the ledger of this CA');
  }
  if (entry.revocation !== undefined) throw revoked(role, entry.revocation, certificate.serialNumber);
  return entry;
}

export function notTrusted(role: HolderRole, found: string): CountersignError {
  return new CountersignError(
    'CERTIFICATE_NOT_TRUSTED',
    `the ${role} certificate ${found}`,
    role === 'renewing'
      ? 'Renew a certificate that this CA issued, or enroll anew through the registration authority.'
      : 'Countersign with an agent certificate that this CA issued: countersign ra init --dir RA --ca CA',
    { adcs: 'CERT_E_CHAINING' },
  );
}

function revoked(
  role: HolderRole,
  { revokedAt, reason }: NonNullable<LedgerEntry['revocation']>,
  serialNumber: string,
): CountersignError {
  return new CountersignError(
    'CERTIFICATE_REVOKED',
    `the ${role} certificate ${serialNumber} was revoked at ${revokedAt.toISOString()} (${reason})`,
    role === 'renewing'
      ? 'Enroll anew through the registration authority.'
      : 'Give the registration authority a new certificate, and find out why this one is still in use.',
    { adcs: 'CRYPT_E_REVOKED' },
  );
}
