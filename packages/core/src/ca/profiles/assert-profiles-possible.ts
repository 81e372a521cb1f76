import { CountersignError } from '../../errors.ts';
import { oids } from '../../object-identifiers.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { Name } from '../../x509/name.ts';
import { parseExtendedKeyUsage } from '../../x509/standard-extensions.ts';
import { isPublicationUri } from '../publication-uri.ts';
import { enrollmentAgent } from './enrollment-agent.ts';
import { helloLogon } from './hello-logon.ts';
import { kdc } from './kdc.ts';
import { ocspResponder } from './ocsp-responder.ts';
import type { CertificateContents, Issuer, ProfileName } from './profile.ts';

/**
 * Holds every profile against the issuer before the first request comes, so that no certificate is issued that relying
 * parties would refuse for what the CA is.
 * @throws CountersignError `ISSUER_NOT_ACCEPTABLE`
 */
export function assertProfilesPossible(issuer: Issuer, profiles: readonly ProfileName[]): void {
  const uris = [...issuer.crlUris, ...issuer.caIssuersUris, ...(issuer.ocspUris ?? [])];
  const badUri = uris.find((uri) => !isPublicationUri(uri));
  if (badUri !== undefined) {
    throw notPossible(
      `the certificates would point at ${JSON.stringify(badUri)}; expected an absolute http or ldap URI`,
    );
  }
  for (const profile of profiles) assertPurposesNest(issuer.certificate, profile);
}

/** A CA that lists purposes issues for no others (Windows applies it, and RFC 5280's successors in practice). */
function assertPurposesNest(certificate: Certificate, profile: ProfileName): void {
  const value = certificate.extension(oids.extKeyUsage);
  if (value === undefined) return;
  const allowed = parseExtendedKeyUsage(value);
  if (allowed.includes(oids.anyExtendedKeyUsage)) return;
  const missing = purposesOf(examples[profile]).find((purpose) => !allowed.includes(purpose));
  if (missing === undefined) return;
  throw notPossible(`the CA's extended key usage lacks ${missing}, which the profile ${profile} gives`);
}

function purposesOf({ extensions }: CertificateContents): string[] {
  const extKeyUsage = extensions.find(({ oid }) => oid === oids.extKeyUsage);
  return extKeyUsage === undefined ? [] : parseExtendedKeyUsage(extKeyUsage.value);
}

/** Profiles are functions of an order; what matters here is the same in each certificate. */
const anyone = Name.fromString('CN=Anyone');
const examples: Readonly<Record<ProfileName, CertificateContents>> = {
  'hello-logon': helloLogon(
    {
      upn: 'anyone@example.test',
      sid: 'S-1-5-21-1-2-3-1000',
      distinguishedName: 'CN=Anyone',
      account: String.raw`EXAMPLE\anyone`,
      groups: [],
      keyCredentials: [],
    },
    { oid: '1.3.6.1.4.1.311.21.8.1', majorVersion: 1, minorVersion: 0 },
    [],
  ),
  'enrollment-agent': enrollmentAgent(anyone),
  kdc: kdc('EXAMPLE.TEST', 'kdc.example.test'),
  'ocsp-responder': ocspResponder(anyone),
};

function notPossible(found: string): CountersignError {
  return new CountersignError(
    'ISSUER_NOT_ACCEPTABLE',
    found,
    'Correct the configuration of the CA, give it another certificate, or limit the profiles that it issues.',
  );
}
