import { CountersignError } from '../../errors.ts';
import type { Key } from '../../keys/key-provider.ts';
import type { SignatureScheme } from '../../keys/signature-scheme.ts';
import { Certificate } from '../../x509/certificate.ts';
import { sign } from '../../x509/signed-structure.ts';
import type { AuditEvent, Ledger, SerialReservation } from '../ledger.ts';
import type { PreparedCertificate } from './prepared-certificate.ts';

/** Who signs, and where it is written down. */
export interface Issuance {
  readonly key: Key;
  readonly scheme: SignatureScheme;
  readonly issuer: Certificate;
  readonly ledger: Ledger;
}

/** What the ledger keeps of a certificate beside the certificate. */
export type IssuanceRecord = Omit<SerialReservation, 'serialNumber' | 'tbsCertificate' | 'notAfter'>;

/**
 * The second half of issuance: reserve, sign, compare, record, each durable before the next. Whatever fails after the
 * reservation leaves its serial number revoked, so that a signature that may exist is never good.
 */
export async function issueCertificate(
  prepared: PreparedCertificate,
  { key, scheme, issuer, ledger }: Issuance,
  record: IssuanceRecord,
  event: AuditEvent,
): Promise<Certificate> {
  const { serialNumber, notAfter, tbsCertificate } = prepared;
  await ledger.reserve({ ...record, serialNumber, notAfter, tbsCertificate });
  try {
    const certificate = Certificate.parse(await sign(key, scheme, prepared.redeem()));
    assertIsTwin(certificate, prepared);
    assertOwnSignature(certificate, issuer);
    await ledger.record(serialNumber, certificate.der, event);
    return certificate;
  } catch (error) {
    await withdraw(serialNumber, ledger, event.at, error);
    throw error;
  }
}

/** What was signed is what was checked, to the octet. */
function assertIsTwin(certificate: Certificate, prepared: PreparedCertificate): void {
  if (Buffer.compare(certificate.tbsCertificate, prepared.tbsCertificate) === 0) return;
  throw new CountersignError(
    'CERTIFICATE_NOT_CONFORMANT',
    `the certificate ${prepared.serialNumber} that was signed differs from the one that was checked`,
    'Stop issuing: memory or the program is damaged.',
  );
}

/** A faulty signature is useless to its owner, and may tell an attacker the key that made it. */
function assertOwnSignature(certificate: Certificate, issuer: Certificate): void {
  if (certificate.isIssuedBy(issuer)) return;
  throw new CountersignError(
    'SIGNATURE_INVALID',
    `the signature that the CA's key made for ${certificate.serialNumber} does not verify under the CA's certificate`,
    'Stop issuing and examine the key provider.',
  );
}

/** If the ledger cannot be reached now, the serial number stays reserved, and an operator can revoke it. */
async function withdraw(serialNumber: string, ledger: Ledger, at: Date, cause: unknown): Promise<void> {
  const code = cause instanceof CountersignError ? cause.code : 'UNEXPECTED';
  const details = { serialNumber, reason: 'cessationOfOperation', code };
  await ledger
    .revoke(
      serialNumber,
      { reason: 'cessationOfOperation', revokedAt: at },
      { at, event: 'issuance-failed', details },
    )
    .catch(() => undefined);
}
