import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CountersignError, encodePem, validatePath, type Certificate } from '@countersign/core';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { element, integer } from './der.ts';
import {
  at,
  Authority,
  ca,
  certificatePolicies,
  nameConstraints,
  policyMappings,
  subjectAltName,
  type ExtensionFields,
} from './hierarchy.ts';

/** Generated hierarchies, right and wrong in many ways at once: our verdict must be that of `openssl verify`. */

const cases = Number(process.env['COUNTERSIGN_CASES'] ?? 500);

interface Link {
  readonly signedByImpostor: boolean;
  readonly constraints: 'none' | 'ca' | 'ca0' | 'ca1';
  readonly keyUsage: 'none' | 'sign' | 'certSign';
  readonly isExpired: boolean;
  readonly policies: readonly string[];
  readonly mapping: boolean;
  readonly constrainedTo: string | undefined;
  readonly inhibitAnyPolicy: boolean;
}

const anyPolicy = '2.5.29.32.0';
const rarely = fc.integer({ min: 0, max: 14 }).map((n) => n === 0);
const link: fc.Arbitrary<Link> = fc.record({
  signedByImpostor: rarely,
  constraints: fc.constantFrom('ca', 'ca', 'ca', 'ca', 'ca0', 'ca1', 'none'),
  keyUsage: fc.constantFrom('certSign', 'certSign', 'certSign', 'none', 'sign'),
  isExpired: rarely,
  policies: fc.subarray(['1.2.3.1', '1.2.3.2', anyPolicy]),
  mapping: rarely,
  constrainedTo: fc.constantFrom(undefined, undefined, 'corp.test', 'a.corp.test'),
  inhibitAnyPolicy: rarely,
});
const hierarchy = fc.record({
  links: fc.array(link, { minLength: 0, maxLength: 4 }),
  target: fc.record({
    signedByImpostor: rarely,
    host: fc.constantFrom(undefined, 'a.corp.test', 'corp.test', 'b.a.corp.test', 'other.test'),
    policies: fc.subarray(['1.2.3.1', '1.2.3.2', anyPolicy]),
  }),
  explicitPolicy: fc.boolean(),
  policy: fc.constantFrom(undefined, '1.2.3.1', '1.2.3.2'),
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-paths-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('validatePath and openssl verify', () => {
  it(`agree on ${cases} generated hierarchies`, async () => {
    const verdicts = { valid: 0, invalid: 0 };
    await fc.assert(
      fc.asyncProperty(hierarchy, async (one) => {
        const { anchor, path } = build(one);
        const ours = verdict(path, anchor, one);
        expect(ours, JSON.stringify(one)).toBe(await opensslVerdict(path, anchor, one));
        verdicts[ours]++;
      }),
      { numRuns: cases },
    );
    // Neither side of the comparison may be empty talk.
    expect(Math.min(verdicts.valid, verdicts.invalid)).toBeGreaterThan(cases / 20);
  });
});

type Hierarchy = typeof hierarchy extends fc.Arbitrary<infer T> ? T : never;

function verdict(
  path: readonly Certificate[],
  trustAnchor: Certificate,
  one: Hierarchy,
): 'valid' | 'invalid' {
  try {
    const { explicitPolicy, policy } = one;
    const userInitialPolicySet = new Set([policy ?? anyPolicy]);
    validatePath(path, { trustAnchor, at, initialExplicitPolicy: explicitPolicy, userInitialPolicySet });
    return 'valid';
  } catch (error) {
    if (error instanceof CountersignError) return 'invalid';
    throw error;
  }
}

async function opensslVerdict(
  path: readonly Certificate[],
  anchor: Certificate,
  one: Hierarchy,
): Promise<'valid' | 'invalid'> {
  const target = path.slice(-1);
  const args = [
    'verify',
    '-attime',
    String(at.getTime() / 1000),
    '-trusted',
    await writePem('anchor.pem', [anchor]),
  ];
  // An empty file of untrusted certificates is an error to openssl; the anchor again is none.
  args.push('-untrusted', await writePem('untrusted.pem', [...path.slice(0, -1), anchor]), '-policy_check');
  args.push('-policy', one.policy ?? anyPolicy, ...(one.explicitPolicy ? ['-explicit_policy'] : []));
  args.push(await writePem('target.pem', target));
  return new Promise((resolve) => {
    execFile('openssl', args, (error) => {
      resolve(error === null ? 'valid' : 'invalid');
    });
  });
}

async function writePem(name: string, certificates: readonly Certificate[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, certificates.map(({ der }) => encodePem('CERTIFICATE', der)).join(''));
  return path;
}

function build({ links, target }: Hierarchy): { anchor: Certificate; path: Certificate[] } {
  const root = new Authority('CN=Root');
  const path: Certificate[] = [];
  let issuer = root;
  for (const [i, one] of links.entries()) {
    const authority = new Authority(`CN=CA ${i}`);
    const signer = one.signedByImpostor ? new Authority(issuer.name) : issuer;
    const notAfter = new Date(one.isExpired ? '2025-01-01T00:00:00Z' : '2040-01-01T00:00:00Z');
    path.push(signer.issue(authority, { subject: authority.name, extensions: extensionsOf(one), notAfter }));
    issuer = authority;
  }
  const signer = target.signedByImpostor ? new Authority(issuer.name) : issuer;
  const extensions = [
    ...(target.host === undefined ? [] : [subjectAltName(element(0x82, Buffer.from(target.host)))]),
    ...policies(target.policies),
  ];
  path.push(signer.issue(new Authority('CN=Leaf'), { subject: 'CN=Leaf', extensions }));
  return { anchor: root.selfSigned(), path };
}

function extensionsOf(one: Link): ExtensionFields[] {
  return [
    ...(one.constraints === 'none'
      ? []
      : [ca(...(one.constraints === 'ca' ? [] : [Number(one.constraints[2])]))]),
    ...(one.keyUsage === 'none' ? [] : [keyUsage(one.keyUsage)]),
    ...policies(one.policies),
    ...(one.mapping ? [policyMappings(['1.2.3.1', '1.2.3.2'])] : []),
    ...(one.constrainedTo === undefined
      ? []
      : [nameConstraints([element(0x82, Buffer.from(one.constrainedTo))])]),
    ...(one.inhibitAnyPolicy ? [{ oid: '2.5.29.54', critical: true, value: integer(0) }] : []),
  ];
}

function policies(list: readonly string[]): ExtensionFields[] {
  return list.length === 0 ? [] : [certificatePolicies(...list)];
}

function keyUsage(usage: 'sign' | 'certSign'): ExtensionFields {
  const bits = usage === 'sign' ? [0x07, 0x80] : [0x01, 0x06];
  return { oid: '2.5.29.15', critical: true, value: element(0x03, Uint8Array.from(bits)) };
}
