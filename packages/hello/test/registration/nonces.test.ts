import { CountersignError } from '@countersign/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Nonces } from '../../src/tokens/index.ts';

const issuedAt = new Date('2026-03-04T05:06:07.890Z');

function codeOf(redeem: () => void): string | undefined {
  try {
    redeem();
    return undefined;
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}

test('a nonce is good once, for ten minutes', () => {
  const clock = { now: issuedAt };
  const nonces = new Nonces(() => clock.now);
  const [early, late, last] = [nonces.issue(), nonces.issue(), nonces.issue()];
  expect(codeOf(() => nonces.redeem(early))).toBeUndefined();
  expect(codeOf(() => nonces.redeem(early))).toBe('REQUEST_REPLAYED');
  clock.now = new Date(issuedAt.getTime() + 10 * 60_000 - 1);
  expect(codeOf(() => nonces.redeem(early))).toBe('REQUEST_REPLAYED');
  expect(codeOf(() => nonces.redeem(late))).toBeUndefined();
  clock.now = new Date(issuedAt.getTime() + 10 * 60_000);
  expect([early, late, last].map((nonce) => codeOf(() => nonces.redeem(nonce)))).toEqual([
    'NONCE_STALE',
    'NONCE_STALE',
    'NONCE_STALE',
  ]);
});

test('a nonce from the future is none: clocks that are set back bring nothing back', () => {
  const clock = { now: issuedAt };
  const nonces = new Nonces(() => clock.now);
  const nonce = nonces.issue();
  clock.now = new Date(issuedAt.getTime() - 1);
  expect(codeOf(() => nonces.redeem(nonce))).toBe('NONCE_STALE');
});

test('a nonce that was given out elsewhere, or altered in any bit, is none', () => {
  const nonces = new Nonces(() => issuedAt);
  expect(codeOf(() => nonces.redeem(new Nonces(() => issuedAt).issue()))).toBe('NONCE_STALE');
  fc.assert(
    fc.property(fc.nat(56 * 8 - 1), (bit) => {
      const octets = Buffer.from(nonces.issue(), 'base64url');
      expect(octets).toHaveLength(56);
      octets.writeUInt8(octets.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(codeOf(() => nonces.redeem(octets.toString('base64url')))).toBe('NONCE_STALE');
    }),
  );
  for (const text of ['', 'AAAA', `${nonces.issue()}A`, `${nonces.issue()}=`, ` ${nonces.issue()}`]) {
    expect(codeOf(() => nonces.redeem(text))).toBe('NONCE_STALE');
  }
});

test('all that are given out differ', () => {
  const nonces = new Nonces(() => issuedAt);
  expect(new Set(Array.from({ length: 1000 }, () => nonces.issue())).size).toBe(1000);
});
