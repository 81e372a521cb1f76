import { assertRenews } from '../../cms/renewal-request.ts';
import type { Directory, DirectoryUser } from '../../directory/directory.ts';
import { CountersignError } from '../../errors.ts';
import type { PublicKey } from '../../keys/public-key.ts';
import { oids } from '../../object-identifiers.ts';
import type { CertificationRequest } from '../../request/certification-request.ts';
import type { Certificate } from '../../x509/certificate.ts';
import {
  parseCertificateTemplate,
  parseNtdsCaSecurityExtension,
  userPrincipalNamesIn,
  type CertificateTemplate,
} from '../../x509/microsoft-extensions.ts';
import { parseSubjectAltName } from '../../x509/standard-extensions.ts';
import type { LedgerEntry } from '../ledger.ts';
import { protectedBy } from './protected-accounts.ts';

/**
 * Finds out for whom a certificate is renewed, and whether it may be without an agent's word: the old certificate is of
 * the same template, and names by UPN and SID who is in the directory now (MS-WCCE 3.2.2.6.2.1.4.8). The key is the old
 * one, or one that the user registered meanwhile.
 * @param holder the certificate that is renewed and whose key signed, authenticated before
 * @throws CountersignError `RENEWAL_NOT_POSSIBLE`, `USER_NOT_FOUND`, `REQUESTER_MISMATCH`, `ACCOUNT_PROTECTED`,
 *   `KEY_NOT_REGISTERED`
 */
export async function resolveRenewal(
  request: CertificationRequest,
  holder: Certificate,
  entry: LedgerEntry,
  directory: Directory,
  template: CertificateTemplate,
): Promise<DirectoryUser> {
  assertRenews(request, holder);
  assertSameTemplate(holder, entry, template);
  const user = await findHolder(holder, directory);
  const protection = protectedBy(user);
  if (protection !== undefined) {
    throw new CountersignError(
      'ACCOUNT_PROTECTED',
      `${user.account} is protected by now (${protection}): its certificates are not renewed without a person's word`,
      'Such accounts enroll in person, on a machine set aside for them.',
      { adcs: 'CERTSRV_E_RESTRICTEDOFFICER' },
    );
  }
  assertOldOrRegistered(request.publicKey, holder, user);
  return user;
}

function assertSameTemplate(holder: Certificate, entry: LedgerEntry, template: CertificateTemplate): void {
  const value = holder.extension(oids.certificateTemplate);
  const oid = value === undefined ? 'none' : parseCertificateTemplate(value).oid;
  if (entry.profile === 'hello-logon' && oid === template.oid) return;
  throw new CountersignError(
    'RENEWAL_NOT_POSSIBLE',
    `the certificate ${holder.serialNumber} is of the profile ${entry.profile} and the template ${oid}; hello-logon and ${template.oid} are what is renewed`,
    'Enroll anew through the registration authority.',
    { adcs: 'CERTSRV_E_UNSUPPORTED_CERT_TYPE' },
  );
}

async function findHolder(holder: Certificate, directory: Directory): Promise<DirectoryUser> {
  const names = holder.extension(oids.subjectAltName);
  const [upn = ''] = names === undefined ? [] : userPrincipalNamesIn(parseSubjectAltName(names));
  const user = await directory.findByUpn(upn);
  if (user === undefined) {
    throw new CountersignError(
      'USER_NOT_FOUND',
      `the directory has no user ${upn} any more, whom the certificate ${holder.serialNumber} names`,
      'Enroll anew through the registration authority, under the name that the user has now.',
      { adcs: 'ERROR_NO_SUCH_USER' },
    );
  }
  const sid = holder.extension(oids.ntdsCaSecurityExtension);
  if (sid !== undefined && parseNtdsCaSecurityExtension(sid) === user.sid) return user;
  throw new CountersignError(
    'REQUESTER_MISMATCH',
    `the name ${upn} in the certificate ${holder.serialNumber} belongs to another account by now (${user.sid})`,
    'Enroll anew through the registration authority.',
    { adcs: 'CERTSRV_E_BAD_REQUESTSUBJECT' },
  );
}

function assertOldOrRegistered(publicKey: PublicKey, holder: Certificate, user: DirectoryUser): void {
  if (publicKey.equals(holder.publicKey)) return;
  const { subjectPublicKeyInfo, keyId } = publicKey;
  if (
    user.keyCredentials.some((credential) => Buffer.compare(credential.publicKey, subjectPublicKeyInfo) === 0)
  )
    return;
  throw new CountersignError(
    'KEY_NOT_REGISTERED',
    `the request's key (SHA-256 ${keyId}) is neither that of the certificate renewed nor registered for ${user.upn}`,
    'Register the new key first, or renew with the old one.',
    { adcs: 'CERTSRV_E_BAD_REQUESTSUBJECT' },
  );
}
