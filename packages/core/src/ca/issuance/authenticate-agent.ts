import { oids } from '../../object-identifiers.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { assertEnrollmentAgent } from '../../x509/enrollment-agent.ts';
import type { Ledger } from '../ledger.ts';
import { assertIssuedHere, notTrusted, requireStanding } from './authenticate-holder.ts';

/**
 * Finds out whether whoever countersigned is an enrollment agent of this CA (MS-WCCE 3.2.2.6.2.1.2.1.1); whom it may
 * enroll is the next step's to decide.
 * @throws CountersignError `CERTIFICATE_NOT_TRUSTED`, `CERTIFICATE_EXPIRED`, `CERTIFICATE_NOT_YET_VALID`,
 *   `CERTIFICATE_REVOKED`, `AGENT_NOT_AUTHORIZED`
 */
export async function authenticateAgent(
  agent: Certificate,
  caCertificate: Certificate,
  ledger: Pick<Ledger, 'find'>,
  now: Date,
): Promise<void> {
  assertIssuedHere(agent, role, caCertificate, now);
  assertNoUnknownCriticalExtension(agent);
  assertEnrollmentAgent(agent);
  await requireStanding(agent, role, ledger);
}

const role = 'enrollment agent';

/** RFC 5280 4.2: a critical extension that is not processed makes the certificate unusable. */
function assertNoUnknownCriticalExtension(agent: Certificate): void {
  const unknown = agent.extensions.find(({ critical, oid }) => critical && !processedExtensions.has(oid));
  if (unknown === undefined) return;
  throw notTrusted(role, `has the critical extension ${unknown.oid}, which is unknown here`);
}

const processedExtensions: ReadonlySet<string> = new Set([
  oids.keyUsage,
  oids.extKeyUsage,
  oids.basicConstraints,
]);
