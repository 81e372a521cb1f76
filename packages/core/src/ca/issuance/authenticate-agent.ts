import { CountersignError } from '../../errors.ts';
import { oids } from '../../object-identifiers.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { assertEnrollmentAgent } from '../../x509/enrollment-agent.ts';
import type { Ledger } from '../ledger.ts';

/**
 * Finds out whether whoever countersigned may: the certificate behind the signature, which was verified before, is an
 * enrollment agent's, issued by this CA, in its validity and not revoked (MS-WCCE 3.2.2.6.2.1.2.1.1).
 * @throws CountersignError `CERTIFICATE_NOT_TRUSTED`, `CERTIFICATE_EXPIRED`,
 *   `CERTIFICATE_NOT_YET_VALID`, `AGENT_NOT_AUTHORIZED`, `CERTIFICATE_REVOKED`
 */
export async function authenticateAgent(
  agent: Certificate,
  caCertificate: Certificate,
  ledger: Ledger,
  now: Date,
): Promise<void> {
  if (!agent.isIssuedBy(caCertificate)) {
    throw notTrusted(`was issued by ${agent.issuer.toString()}, not by this CA's key`);
  }
  assertNoUnknownCriticalExtension(agent);
  agent.assertValidAt(now, 'enrollment agent');
  assertEnrollmentAgent(agent);
  await assertNotRevoked(agent, ledger);
}

/** RFC 5280 4.2: a critical extension that is not processed makes the certificate unusable. */
function assertNoUnknownCriticalExtension(agent: Certificate): void {
  const unknown = agent.extensions.find(({ critical, oid }) => critical && !processedExtensions.has(oid));
  if (unknown !== undefined)
    throw notTrusted(`has the critical extension ${unknown.oid}, which is unknown here`);
}

const processedExtensions: ReadonlySet<string> = new Set([
  oids.keyUsage,
  oids.extKeyUsage,
  oids.basicConstraints,
]);

async function assertNotRevoked(agent: Certificate, ledger: Ledger): Promise<void> {
  const entry = await ledger.find(agent.serialNumber);
  if (entry?.certificate === undefined || Buffer.compare(entry.certificate, agent.der) !== 0) {
    throw notTrusted('is not in the ledger of this CA');
  }
  if (entry.revocation === undefined) return;
  throw new CountersignError(
    'CERTIFICATE_REVOKED',
    `the enrollment agent certificate ${agent.serialNumber} was revoked at ${entry.revocation.revokedAt.toISOString()} (${entry.revocation.reason})`,
    'Give the registration authority a new certificate, and find out why this one is still in use.',
    { adcs: 'CRYPT_E_REVOKED' },
  );
}

function notTrusted(found: string): CountersignError {
  return new CountersignError(
    'CERTIFICATE_NOT_TRUSTED',
    `the enrollment agent certificate ${found}`,
    'Countersign with an agent certificate that this CA issued: countersign ra init --dir RA --ca CA',
    { adcs: 'CERT_E_CHAINING' },
  );
}
