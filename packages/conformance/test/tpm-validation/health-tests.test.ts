import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  adaptiveProportionTest,
  proportionCutoff,
  repetitionCountTest,
  repetitionCutoff,
} from '../../src/tpm-validation/health-tests.ts';

const octets = { entropyBits: 8, falseAlarmBits: 40 };

describe('cutoffs are those that others computed from SP 800-90B 4.4', () => {
  // Of Go's crypto/internal/entropy (H = 0.5) and of a Nordic nRF54 (H = 8), both with windows of 512.
  test.each([
    [0.5, 20, 410],
    [8, 20, 13],
  ])('adaptive proportion, H = %d, α = 2^-%d', (entropyBits, falseAlarmBits, cutoff) => {
    expect(proportionCutoff({ entropyBits, falseAlarmBits })).toBe(cutoff);
  });

  test.each([
    [0.5, 20, 41],
    [1, 40, 41],
    [8, 20, 4],
  ])('repetition count, H = %d, α = 2^-%d', (entropyBits, falseAlarmBits, cutoff) => {
    expect(repetitionCutoff({ entropyBits, falseAlarmBits })).toBe(cutoff);
  });
});

test('what is random passes', () => {
  for (let run = 0; run < 50; run += 1) {
    const sample = randomBytes(8192);
    expect(repetitionCountTest(sample, octets).passed).toBe(true);
    expect(adaptiveProportionTest(sample, octets).passed).toBe(true);
  }
});

test('as many in a row as the cutoff are an alarm, one fewer are none', () => {
  const sample = randomBytes(2048).map((octet, index) => (index % 2 === 0 ? octet | 1 : octet & 0xfe));
  expect(repetitionCountTest(sample.fill(0x77, 1000, 1005), octets).passed).toBe(true);
  sample[999] = 0;
  sample[1006] = 0;
  expect(repetitionCountTest(sample.fill(0x77, 1000, 1006), octets)).toEqual({
    most: 6,
    cutoff: 6,
    passed: false,
  });
});

test('the first octet of a window too often in it is an alarm, one time fewer is none', () => {
  const { cutoff } = adaptiveProportionTest(new Uint8Array(), octets);
  for (const [times, passed] of [
    [cutoff - 1, true],
    [cutoff, false],
  ] as const) {
    const sample = Buffer.from(Array.from({ length: 1024 }, (_, index) => 1 + (index % 255)));
    const second = sample.subarray(512).map((octet) => (octet === 0x77 ? 0x78 : octet));
    // Spread over the second window, never twice in a row.
    for (let time = 0; time < times; time += 1) second[time * 20] = 0x77;
    expect(adaptiveProportionTest(Buffer.concat([sample.subarray(0, 512), second]), octets)).toEqual({
      most: times,
      cutoff,
      passed,
    });
  }
});

test('a source of four bits in each octet is an alarm', () => {
  const sample = randomBytes(4096).map((octet) => octet & 0x0f);
  expect(adaptiveProportionTest(sample, octets).passed).toBe(false);
});
