import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One case of NIST's Public Key Interoperability Test Suite (PKITS). */
export interface PkitsCase {
  readonly test: string;
  readonly isValid: boolean;
  readonly initialPolicySet: ReadonlySet<string>;
  readonly initialExplicitPolicy: boolean;
  readonly initialPolicyMappingInhibit: boolean;
  readonly initialAnyPolicyInhibit: boolean;
  readonly userConstrainedPolicySet: ReadonlySet<string>;
  /** File names without `.crt`: from below the trust anchor to the target. */
  readonly certificates: readonly string[];
  /** File names without `.crl`. */
  readonly certificateLists: readonly string[];
}

/** Where Debian's python3-cryptography-vectors puts the suite, or where COUNTERSIGN_PKITS says it lies. */
export const pkitsDirectory =
  process.env['COUNTERSIGN_PKITS'] ?? '/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data';

export const hasPkits = existsSync(join(pkitsDirectory, 'certs'));

/** The suite's own publication date lies within the validity of what it means to be valid. */
export const pkitsTime = new Date('2011-04-15T00:00:00Z');

export function certificateFile(name: string): string {
  return join(pkitsDirectory, 'certs', `${name}.crt`);
}

export function certificateListFile(name: string): string {
  return join(pkitsDirectory, 'crls', `${name}.crl`);
}

/** The table beside this file. */
export const pkitsCases: readonly PkitsCase[] = readFileSync(
  new URL('pkits-cases.tsv', import.meta.url),
  'utf8',
)
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map(parseCase);

function parseCase(line: string): PkitsCase {
  const [test = '', expected = '', inputs = '', policies = '', certificates = '', lists = ''] =
    line.split('\t');
  const given = inputs.split(' ');
  const initialPolicySet =
    given.find((input) => input.startsWith('policies='))?.slice('policies='.length) ?? 'any';
  return {
    test,
    isValid: expected === 'valid',
    initialPolicySet: policySet(initialPolicySet),
    initialExplicitPolicy: given.includes('explicit'),
    initialPolicyMappingInhibit: given.includes('inhibit-mapping'),
    initialAnyPolicyInhibit: given.includes('inhibit-any'),
    userConstrainedPolicySet: policySet(policies),
    certificates: certificates.split(' '),
    certificateLists: lists.split(' '),
  };
}

function policySet(text: string): ReadonlySet<string> {
  if (text === '-') return new Set();
  return new Set(
    text.split(',').map((arc) => (arc === 'any' ? '2.5.29.32.0' : `2.16.840.1.101.3.2.1.48.${arc}`)),
  );
}
