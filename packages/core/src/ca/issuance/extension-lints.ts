import { oids } from '../../object-identifiers.ts';
import { PermittedNames } from '../../path-validation/name-constraints.ts';
import { CountersignError } from '../../errors.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { Extension } from '../../x509/extension.ts';
import { issuerKeyIdentifier } from '../../x509/issuer-key-identifier.ts';
import {
  parseApplicationPolicies,
  parseNtdsCaSecurityExtension,
  userPrincipalNamesIn,
} from '../../x509/microsoft-extensions.ts';
import {
  parseAuthorityKeyIdentifier,
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseSubjectAltName,
  parseSubjectKeyIdentifier,
} from '../../x509/standard-extensions.ts';
import type { Lint } from './lint-certificate.ts';

/** Rules about the extensions of an end entity's certificate. */
export const extensionLints: readonly Lint[] = [
  {
    clause: 'RFC 5280 4.2.1.1',
    defect: (certificate, { issuer }) =>
      sameOctets(
        read(certificate, oids.authorityKeyIdentifier, parseAuthorityKeyIdentifier),
        issuerKeyIdentifier(issuer),
      )
        ? mustNotBeCritical(certificate, oids.authorityKeyIdentifier)
        : "has no authority key identifier, or not that of the CA's certificate",
  },
  {
    clause: 'RFC 5280 4.2.1.2',
    defect: (certificate) =>
      sameOctets(
        read(certificate, oids.subjectKeyIdentifier, parseSubjectKeyIdentifier),
        certificate.publicKey.keyIdentifier,
      )
        ? mustNotBeCritical(certificate, oids.subjectKeyIdentifier)
        : 'has no subject key identifier, or not that of its key',
  },
  {
    clause: 'RFC 5280 4.2.1.3',
    defect: (certificate) => {
      const usages = read(certificate, oids.keyUsage, parseKeyUsage) ?? [];
      if (!isCritical(certificate, oids.keyUsage)) return 'has no critical key usage';
      if (usages.includes('keyCertSign') || usages.includes('cRLSign')) return 'may sign as a CA (key usage)';
      return usages.includes('digitalSignature') ? undefined : 'may not sign (key usage)';
    },
  },
  {
    clause: 'RFC 5280 4.2.1.9',
    defect: (certificate) =>
      read(certificate, oids.basicConstraints, parseBasicConstraints)?.cA === true
        ? 'is a CA (basic constraints)'
        : undefined,
  },
  {
    clause: 'RFC 5280 4.2.1.12',
    defect: (certificate) => {
      const purposes = read(certificate, oids.extKeyUsage, parseExtendedKeyUsage) ?? [];
      if (purposes.length === 0) return 'is good for any purpose (extended key usage is absent)';
      return purposes.includes(oids.anyExtendedKeyUsage) ? 'is good for any purpose' : undefined;
    },
  },
  {
    clause: 'MS-WCCE 2.2.2.7.7.3',
    defect: (certificate) => {
      const policies = read(certificate, oids.applicationPolicies, parseApplicationPolicies);
      const purposes = read(certificate, oids.extKeyUsage, parseExtendedKeyUsage) ?? [];
      return policies === undefined || policies.join() === purposes.join()
        ? undefined
        : 'has application policies other than its extended key usage';
    },
  },
  {
    clause: 'MS-PKCA 3.1.5.2.1',
    defect: (certificate) => {
      const names = read(certificate, oids.subjectAltName, parseSubjectAltName);
      const upns = names === undefined ? [] : userPrincipalNamesIn(names);
      const sid = read(certificate, oids.ntdsCaSecurityExtension, parseNtdsCaSecurityExtension);
      return (upns.length === 0) === (sid === undefined) && upns.length <= 1
        ? undefined
        : 'names a user by UPN or by SID alone, or several; a logon certificate has one of each';
    },
  },
  {
    clause: 'RFC 5280 4.2',
    defect: (certificate) => {
      const unexpected = certificate.extensions.find(
        ({ critical, oid }) => critical && !mayBeCritical.has(oid),
      );
      return unexpected === undefined ? undefined : `has the critical extension ${unexpected.oid}`;
    },
  },
  {
    clause: 'RFC 5280 4.2',
    defect: (certificate, { contents }) => {
      const wanted = new Set([...contents.extensions.map(({ oid }) => oid), ...issuerOwn]);
      const unexpected = certificate.extensions.find(({ oid }) => !wanted.has(oid));
      return unexpected === undefined
        ? undefined
        : `has the extension ${unexpected.oid}, which no profile gave`;
    },
  },
  {
    clause: 'RFC 5280 4.2',
    defect: (certificate, { contents }) => {
      const missing = contents.extensions.find(
        (wanted) => !certificate.extensions.some((extension) => isSameExtension(extension, wanted)),
      );
      return missing === undefined ? undefined : `lacks the extension ${missing.oid} as its profile gave it`;
    },
  },
  {
    clause: 'RFC 5280 4.2.1.10',
    defect: (certificate, { issuer }) => {
      try {
        PermittedNames.all.constrainedBy(issuer).assertAllow(certificate);
        return undefined;
      } catch (error) {
        if (error instanceof CountersignError) return `breaks the CA's name constraints: ${error.message}`;
        throw error;
      }
    },
  },
];

/** What an issuer adds to every profile. */
const issuerOwn: readonly string[] = [
  oids.subjectKeyIdentifier,
  oids.authorityKeyIdentifier,
  oids.cRLDistributionPoints,
  oids.authorityInfoAccess,
];

const mayBeCritical: ReadonlySet<string> = new Set([
  oids.keyUsage,
  oids.extKeyUsage,
  oids.basicConstraints,
  oids.subjectAltName,
]);

function read<T>(certificate: Certificate, oid: string, parse: (value: Uint8Array) => T): T | undefined {
  const value = certificate.extension(oid);
  return value === undefined ? undefined : parse(value);
}

function isCritical(certificate: Certificate, oid: string): boolean {
  return certificate.extensions.some((extension) => extension.oid === oid && extension.critical);
}

function isSameExtension(a: Extension, b: Extension): boolean {
  return a.oid === b.oid && a.critical === b.critical && sameOctets(a.value, b.value);
}

function mustNotBeCritical(certificate: Certificate, oid: string): string | undefined {
  return isCritical(certificate, oid) ? `marks ${oid} critical` : undefined;
}

function sameOctets(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
