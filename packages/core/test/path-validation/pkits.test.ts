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

/** Valid paths that are refused all the same, each with its reason. PATH-VALIDATION.md lists them too. */
const refusedOnPurpose: ReadonlyMap<string, string> = new Map([
  ['4.1.4', 'DSA is not supported (FIPS 186-5 withdrew it)'],
  ['4.1.5', 'DSA is not supported (FIPS 186-5 withdrew it)'],
]);

describe.runIf(hasPkits)('NIST PKITS', () => {
  it('has all cases of sections 4.1 to 4.16', () => {
    expect(pkitsCases).toHaveLength(249);
    expect(new Set(pkitsCases.map(({ test }) => test.split('.')[1])).size).toBe(16);
  });

  describe.each(pkitsCases.filter(({ isValid }) => isValid))('$test', (one) => {
    const reason = refusedOnPurpose.get(one.test);
    if (reason !== undefined) {
      it(`is valid and refused: ${reason}`, () => {
        expect(refusalOf(one)).toBe('ALGORITHM_NOT_SUPPORTED');
      });
      return;
    }
    it(`is valid, under the policies that the suite expects: ${one.certificates.at(-1) ?? ''}`, () => {
      expect(validate(one).policies).toEqual(one.userConstrainedPolicySet);
    });
  });

  describe.each(pkitsCases.filter(({ isValid }) => !isValid))('$test', (one) => {
    it(`is refused: ${one.certificates.at(-1) ?? ''}`, () => {
      expect(refusalOf(one)).toMatch(/^[A-Z_]+$/u);
    });
  });
});

describe.runIf(!hasPkits)('NIST PKITS', () => {
  it('is absent: install python3-cryptography-vectors, or name its folder in COUNTERSIGN_PKITS', (context) => {
    context.skip();
  });
});

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
