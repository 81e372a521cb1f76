import { readFileSync } from 'node:fs';
import { Certificate, CertificateList, CountersignError, findPath, type FoundPath } from '@countersign/core';
import { describe, expect, it } from 'vitest';
import {
  certificateFile,
  certificateListFile,
  hasPkits,
  pkitsCases,
  pkitsTime,
  type PkitsCase,
} from './pkits.ts';

/** Valid paths that are refused all the same: DSA with SHA-1 (FIPS 186-5 withdrew DSA). */
const refusedOnPurpose: ReadonlySet<string> = new Set(['4.1.4', '4.1.5']);

/** What a refusal may be for, by section of the suite: a path refused for another reason is a fault that was not seen. */
const refusals: Readonly<Record<string, readonly string[]>> = {
  '4.1': ['SIGNATURE_INVALID', 'DER_MALFORMED', 'ALGORITHM_NOT_SUPPORTED'],
  '4.2': ['CERTIFICATE_NOT_YET_VALID', 'CERTIFICATE_EXPIRED'],
  '4.3': ['PATH_NOT_FOUND'],
  // Test 8 has an unknown critical entry extension, test 15 a negative serial number: neither form is read at all.
  '4.4': ['CERTIFICATE_REVOKED', 'REVOCATION_UNKNOWN', 'DER_MALFORMED'],
  '4.5': ['CERTIFICATE_REVOKED', 'ISSUER_NOT_ACCEPTABLE'],
  '4.6': ['ISSUER_NOT_ACCEPTABLE', 'PATH_TOO_LONG'],
  '4.7': ['ISSUER_NOT_ACCEPTABLE', 'REVOCATION_UNKNOWN'],
  '4.8': ['POLICY_NOT_SATISFIED'],
  '4.9': ['POLICY_NOT_SATISFIED'],
  // Tests 7 and 8 map anyPolicy, which no form of the extension allows.
  '4.10': ['POLICY_NOT_SATISFIED', 'DER_MALFORMED'],
  '4.11': ['POLICY_NOT_SATISFIED'],
  '4.12': ['POLICY_NOT_SATISFIED'],
  '4.13': ['NAME_NOT_PERMITTED'],
  '4.14': ['CERTIFICATE_REVOKED', 'REVOCATION_UNKNOWN'],
  '4.15': ['CERTIFICATE_REVOKED', 'REVOCATION_UNKNOWN'],
  '4.16': ['EXTENSION_NOT_PROCESSED'],
};

describe('NIST PKITS', () => {
  it('is a table of all cases of sections 4.1 to 4.16', () => {
    expect(pkitsCases).toHaveLength(249);
    expect(new Set(pkitsCases.map(({ test }) => sectionOf(test)))).toEqual(new Set(Object.keys(refusals)));
  });

  if (!hasPkits) {
    it('is absent: install python3-cryptography-vectors, or name its folder in COUNTERSIGN_PKITS', (context) => {
      context.skip();
    });
    return;
  }

  it.each(pkitsCases.filter(({ test, isValid }) => isValid && !refusedOnPurpose.has(test)))(
    '$test: $certificates is valid, under the policies that the suite expects',
    (one) => {
      expect(validate(one).policies).toEqual(one.userConstrainedPolicySet);
    },
  );

  it.each(pkitsCases.filter(({ isValid }) => !isValid))('$test: $certificates is refused', (one) => {
    expect(refusals[sectionOf(one.test)]).toContain(refusalOf(one));
  });

  it.each(pkitsCases.filter(({ test }) => refusedOnPurpose.has(test)))(
    '$test: $certificates is valid and refused, as the documentation says',
    (one) => {
      expect(refusalOf(one)).toBe('ALGORITHM_NOT_SUPPORTED');
    },
  );
});

function sectionOf(test: string): string {
  return test.split('.').slice(0, 2).join('.');
}

function validate(one: PkitsCase): FoundPath {
  const certificates = one.certificates.map((name) => Certificate.parse(readFileSync(certificateFile(name))));
  const certificateLists = one.certificateLists.flatMap((name) => parseIfWellFormed(name));
  const target = certificates.at(-1);
  if (target === undefined) throw new Error('the case has no target');
  return findPath(target, {
    trustAnchors: [Certificate.parse(readFileSync(certificateFile('TrustAnchorRootCertificate')))],
    certificates: certificates.slice(0, -1),
    certificateLists,
    at: pkitsTime,
    userInitialPolicySet: one.initialPolicySet,
    initialExplicitPolicy: one.initialExplicitPolicy,
    initialPolicyMappingInhibit: one.initialPolicyMappingInhibit,
    initialAnyPolicyInhibit: one.initialAnyPolicyInhibit,
  });
}

/** A list that does not even parse is a list that is not there. */
function parseIfWellFormed(name: string): CertificateList[] {
  try {
    return [CertificateList.parse(readFileSync(certificateListFile(name)))];
  } catch (error) {
    if (error instanceof CountersignError) return [];
    throw error;
  }
}

function refusalOf(one: PkitsCase): string {
  try {
    validate(one);
    return 'accepted';
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}
