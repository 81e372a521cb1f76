import type { DirectoryUser } from '../../directory/directory.ts';
import { CountersignError } from '../../errors.ts';
import type { PublicKey } from '../../keys/public-key.ts';
import { oids } from '../../object-identifiers.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { parseNtdsCaSecurityExtension, userPrincipalNamesIn } from '../../x509/microsoft-extensions.ts';
import { namesMatch } from '../../x509/name-matching.ts';
import { Name } from '../../x509/name.ts';
import { parseSubjectAltName } from '../../x509/standard-extensions.ts';
import { protectedBy } from './protected-accounts.ts';

/** What an enrollment agent may do (AD CS calls it an enrollment agent restriction). */
export interface EnrollmentAgentRight {
  /** The subject of the agent's certificate. */
  readonly agent: Name;
  /** The profiles that it may enroll for. */
  readonly profiles: readonly AgentProfile[];
  /** For whom: SIDs of users, or of groups that users are in. */
  readonly subjects: 'everyone' | readonly string[];
}

/** The profiles that are issued on an agent's word. */
export type AgentProfile = 'hello-logon';

/**
 * Finds out whether an agent, which was authenticated before, may have this user enrolled. Nobody may for protected
 * accounts, nor an agent for itself, whatever its rights are.
 * @param rights absent: every agent may for everyone else; given: what is not listed is refused
 * @param publicKey the key to be certified
 * @throws CountersignError `ACCOUNT_PROTECTED`, `AGENT_ENROLLS_ITSELF`, `AGENT_RESTRICTED`
 */
export function authorizeAgent(
  agent: Certificate,
  profile: AgentProfile,
  user: DirectoryUser,
  publicKey: PublicKey,
  rights: readonly EnrollmentAgentRight[] | undefined,
): void {
  const protection = protectedBy(user);
  if (protection !== undefined) {
    throw restricted(
      'ACCOUNT_PROTECTED',
      `${user.account} is protected (${protection}): no agent may enroll on behalf of it`,
      'Such accounts enroll in person, on a machine set aside for them.',
    );
  }
  if (isSamePerson(agent, user) || agent.publicKey.equals(publicKey)) {
    throw restricted(
      'AGENT_ENROLLS_ITSELF',
      `the enrollment agent ${agent.subject.toString()} asks for a certificate for itself (${user.account})`,
      'Have another agent countersign: whoever vouches for a request must not be who gains by it.',
    );
  }
  if (rights === undefined || rights.some((right) => allows(right, agent, profile, user))) return;
  throw restricted(
    'AGENT_RESTRICTED',
    `the enrollment agent ${agent.subject.toString()} has no right to ${profile} certificates for ${user.account}`,
    'Give the agent the right in the configuration of the CA, or have another agent countersign.',
  );
}

/** MS-WCCE 3.2.2.6.2.1.4.2 (Config_Permissions_Enrollment_Agent_Rights). */
function allows(
  right: EnrollmentAgentRight,
  agent: Certificate,
  profile: AgentProfile,
  user: DirectoryUser,
): boolean {
  if (!right.agent.equals(agent.subject) || !right.profiles.includes(profile)) return false;
  if (right.subjects === 'everyone') return true;
  return [user.sid, ...user.groups].some((sid) => right.subjects.includes(sid));
}

/** By SID, by user principal name, or by distinguished name: whatever the agent's certificate says of its holder. */
function isSamePerson(agent: Certificate, user: DirectoryUser): boolean {
  const sid = agent.extension(oids.ntdsCaSecurityExtension);
  if (sid !== undefined && parseNtdsCaSecurityExtension(sid) === user.sid) return true;
  const names = agent.extension(oids.subjectAltName);
  const upns = names === undefined ? [] : userPrincipalNamesIn(parseSubjectAltName(names));
  if (upns.some((upn) => upn.toLowerCase() === user.upn.toLowerCase())) return true;
  // Whoever spells the name otherwise is still the same person.
  return namesMatch(agent.subject, Name.fromString(user.distinguishedName));
}

function restricted(
  code: 'ACCOUNT_PROTECTED' | 'AGENT_ENROLLS_ITSELF' | 'AGENT_RESTRICTED',
  message: string,
  hint: string,
): CountersignError {
  return new CountersignError(code, message, hint, { adcs: 'CERTSRV_E_RESTRICTEDOFFICER' });
}
