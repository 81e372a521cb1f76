import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  generatePrimeSync,
  type KeyObject,
} from 'node:crypto';
import { validateTpm, type TpmValidationReport } from '@countersign/conformance';
import { CountersignError } from '@countersign/core';
import { expect, test } from 'vitest';
import { fakeTpm, type Faults } from './fake-tpm.ts';

const briefly = { freshKeys: 2, signatures: 1, randomOctets: 1024 };

/** What a right fake comes to: nobody made it, and it attests nothing. */
const always = { 'endorsement.certificates': 'warning', 'attestation.end-to-end': 'warning' };

test('a right one passes every check that is tried, but those of its origin', async () => {
  const report = await validateTpm(fakeTpm(), { ...briefly, allowLockout: true });
  expect(complaints(report)).toEqual(always);
  expect(report.verdict.kind).toBe('fit-with-warnings');
});

const broken: readonly (readonly [what: string, faults: Faults, complaints: Record<string, string>])[] = [
  ['a TPM 1.2', { identity: { family: '1.2' } }, { 'identity.family': 'fail' }],
  [
    'a draft of the specification',
    { identity: { specificationRevision: '1.07' } },
    { 'identity.specification': 'warning' },
  ],
  [
    'a manufacturer that nobody knows',
    { identity: { manufacturer: 'XYZ', manufacturerName: null } },
    { 'identity.manufacturer': 'warning' },
  ],
  ['no firmware version', { identity: { firmware: '0.0.0.0' } }, { 'identity.firmware': 'warning' }],
  ['no RSA 2048', { facts: { rsaKeyBits: [] } }, { 'algorithms.rsa-2048': 'fail' }],
  ['no P-256', { facts: { curves: new Set(['NIST_P384']) } }, { 'algorithms.curves': 'fail' }],
  ['no P-384', { facts: { curves: new Set(['NIST_P256']) } }, {}],
  ['3 tries', { lockout: { maxTries: 3 } }, { 'lockout.tries': 'warning' }],
  ['1,000 tries', { lockout: { maxTries: 1000 } }, { 'lockout.tries': 'warning' }],
  ['a slow recovery', { lockout: { recoverySeconds: 7200 } }, { 'lockout.recovery': 'warning' }],
  ['a fast recovery', { lockout: { recoverySeconds: 10 } }, { 'lockout.recovery': 'warning' }],
  ['no protection', { lockout: { recoverySeconds: 0 } }, { 'lockout.recovery': 'fail' }],
  ['20 wrong PINs counted', { lockout: { failedTries: 20 } }, { 'lockout.state': 'warning' }],
  ['wrong PINs that do not count', { countsWrongPins: false }, { 'lockout.pin': 'fail' }],
  ['a count that success resets', { forgetsOnSuccess: true }, { 'lockout.pin': 'fail' }],
  ['keys that may leave', { attributes: ['sign', 'userWithAuth'] }, needing('keys.rsa2048', 'keys.p256')],
  [
    'salts as long as they fit',
    { saltLength: constants.RSA_PSS_SALTLEN_MAX_SIGN },
    { 'signatures.pss-salt': 'warning' },
  ],
  ['a random source that is stuck', { random: (most) => Buffer.alloc(most, 0xa5) }, stuckSource()],
  [
    'a random source that repeats itself',
    { random: (most) => Buffer.from(Array.from({ length: most }, (_, index) => index)) },
    { 'random.blocks': 'fail' },
  ],
  [
    'the same key again and again',
    { rsaKey: () => one },
    // Another signs than the one that it tells of.
    { ...faultyRsaSignatures(), 'keys.weak-rsa2048': 'fail' },
  ],
  [
    'keys with ROCA',
    { rsaKey: (turn) => rocaKey(BigInt(turn)) },
    { ...faultyRsaSignatures(), 'keys.weak-rsa2048': 'fail' },
  ],
  ['an object that stays', { leaves: [0x80000000] }, { 'traces.none': 'fail' }],
];

test.each(broken)('one with %s is caught by what is about that', async (_, faults, complained) => {
  const report = await validateTpm(fakeTpm(faults), { ...briefly, allowLockout: true });
  const expected = Object.entries({ ...always, ...complained });
  expect(complaints(report)).toEqual(Object.fromEntries(expected.filter(([, each]) => each !== 'skipped')));
  const fails = Object.values(complained).includes('fail');
  expect(report.verdict.kind).toBe(fails ? 'unfit' : 'fit-with-warnings');
});

test.each<readonly [what: string, keys: () => readonly KeyObject[], found: RegExp, meaning: RegExp]>([
  ['share a factor', sharingFactor, /^1 pairs of 2 moduli share a factor/, /computes the private ones/],
  ['have ROCA', () => [0n, 1n].map(rocaKey), /^KEY_HAS_ROCA: /, /Update the firmware/],
  ['are the same', () => [one, one], /^1 of 2 fresh keys were made before/, /Others may find/],
  ['have close factors', () => [closeFactors(), one], /^KEY_HAS_CLOSE_FACTORS: /, /Fermat/],
])('of RSA keys that %s it is said what that means', async (_, make, found, meaning) => {
  const keys = make();
  const report = await validateTpm(fakeTpm({ rsaKey: (turn) => keys[turn] ?? one }), briefly);
  const check = report.checks.find(({ id }) => id === 'keys.weak-rsa2048');
  expect(check).toMatchObject({ outcome: 'fail' });
  expect(check?.found).toMatch(found);
  expect(check?.meaning).toMatch(meaning);
});

test('signatures that are wrong fail the checks of their schemes, and what builds on them is skipped', async () => {
  const report = await validateTpm(fakeTpm({ signature: altered }), briefly);
  const found = complaints(report);
  expect(found).toMatchObject({
    'signatures.rsa-pkcs1-sha256': 'fail',
    'signatures.ecdsa-sha256': 'fail',
    'signatures.rsa-pss-sha256': 'warning',
    'signatures.pss-salt': 'warning',
  });
  const skipped = report.checks.filter(({ outcome }) => outcome === 'skipped').map(({ id }) => id);
  expect(skipped).toEqual(expect.arrayContaining(['latency.p256-sign', 'latency.rsa2048-sign']));
});

test('an answer that does not come is not held against the TPM twice, and the rest is given up in time', async () => {
  let lost = false;
  const operation = (name: string): void => {
    if (name === 'createKey') lost = true;
    if (lost && name !== 'holdings') throw new CountersignError('TPM_UNREACHABLE', 'nobody answers', 'Look.');
  };
  const report = await validateTpm(fakeTpm({ operation }), briefly);
  expect(report.checks.filter(({ outcome }) => outcome === 'fail').map(({ id }) => id)).toEqual([
    'link.steady',
  ]);
  expect(report.checks.filter(({ found }) => found === 'the TPM answers no more').length).toBeGreaterThan(10);
});

test('a run that is interrupted is undecided, unless something failed before', async () => {
  for (const [faults, verdict] of [
    [{}, 'undecided'],
    [{ lockout: { recoverySeconds: 0 } }, 'unfit'],
  ] as const) {
    const controller = new AbortController();
    const operation = (name: string): void => {
      if (name === 'random') controller.abort();
    };
    const { signal } = controller;
    const report = await validateTpm(fakeTpm({ ...faults, operation }), { ...briefly, signal });
    expect(report).toMatchObject({ interrupted: true, verdict: { kind: verdict } });
    expect(report.notRun).toContain('random.repetition');
    expect(report.checks.at(-1)?.id).toBe('traces.none');
  }
});

test('the report is plain JSON', async () => {
  const report = await validateTpm(fakeTpm(), briefly);
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
});

test.each([{ freshKeys: 1 }, { signatures: 0 }, { randomOctets: 1023 }, { freshKeys: 2.5 }])(
  'options that are out of range are refused: %o',
  async (options) => {
    await expect(validateTpm(fakeTpm(), options)).rejects.toThrow(RangeError);
  },
);

function altered(signature: Buffer): Buffer {
  return Buffer.from(signature.map((octet, index) => (index === 40 ? octet ^ 1 : octet)));
}

function complaints({ checks }: TpmValidationReport): Record<string, string> {
  const found = checks.filter(({ outcome }) => outcome === 'warning' || outcome === 'fail');
  return Object.fromEntries(found.map(({ id, outcome }) => [id, outcome]));
}

function needing(...ids: readonly string[]): Record<string, string> {
  return { 'attestation.end-to-end': 'skipped', ...Object.fromEntries(ids.map((id) => [id, 'fail'])) };
}

function stuckSource(): Record<string, string> {
  return { 'random.repetition': 'fail', 'random.proportion': 'fail', 'random.blocks': 'fail' };
}

function faultyRsaSignatures(): Record<string, string> {
  const schemes = ['pkcs1-sha384', 'pkcs1-sha512', 'pss-sha256', 'pss-sha384', 'pss-sha512'];
  return {
    'signatures.rsa-pkcs1-sha256': 'fail',
    ...Object.fromEntries(schemes.map((scheme) => [`signatures.rsa-${scheme}`, 'warning'])),
    'signatures.pss-salt': 'warning',
  };
}

const one = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;

function sharingFactor(): readonly KeyObject[] {
  const [shared, ...others] = [0, 1, 2].map(() => generatePrimeSync(1024, { bigint: true }));
  if (shared === undefined) throw new Error('there is no prime');
  return others.map((other) => rsaPublicKey(shared * other));
}

/** The closest that there are. */
function closeFactors(): KeyObject {
  const prime = generatePrimeSync(1024, { bigint: true });
  return rsaPublicKey(prime * prime);
}

function rocaKey(turn: bigint): KeyObject {
  return rsaPublicKey(rocaModulus(turn));
}

function rsaPublicKey(modulus: bigint): KeyObject {
  const n = Buffer.from(modulus.toString(16), 'hex').toString('base64url');
  return createPublicKey({ key: { kty: 'RSA', n, e: 'AQAB' }, format: 'jwk' });
}

/** Of 2048 bits, and a power of 65537 modulo the product of the primes up to 751: it has the fingerprint, and no small factor. */
function rocaModulus(turn: bigint): bigint {
  const product = primesUpTo(751).reduce((all, prime) => all * BigInt(prime), 1n);
  const residue = 65537n ** (5n + turn) % product;
  const multiple = (1n << 2047n) / product + 1n;
  return residue + product * multiple;
}

function primesUpTo(limit: number): readonly number[] {
  const numbers = Array.from({ length: limit - 1 }, (_, index) => index + 2);
  return numbers.filter((number) => !numbers.some((other) => other < number && number % other === 0));
}
