import { adaptiveProportionTest, repetitionCountTest, windowSize } from '../health-tests.ts';
import { failure, inArea, pass, type TpmCheckContext } from '../tpm-check.ts';

/** For the output of a generator; an alarm that is false once in 2^40 times, since it makes a TPM unfit. */
const parameters = { entropyBits: 8, falseAlarmBits: 40 };

const limits =
  'It is a health test of the output, not an estimate of entropy: it finds a source that is stuck or grossly biased, and no subtler flaw.';
const broken =
  'The random source is stuck or biased: keys, nonces and ECDSA signatures of this TPM can be guessed. Do not use keys that it made.';

export const randomChecks = inArea('random', [
  {
    id: 'random.repetition',
    title: 'random octets do not repeat in a row (repetition count test)',
    rule: 'No octet comes C times in a row, C = 1 + ⌈40 / 8⌉.',
    source: 'NIST SP 800-90B 4.4.1',
    expected: 'fewer than 6 in a row',
    consequence: 'The TPM gives no random octets.',
    run: async (context) => {
      const octets = await sample(context);
      const { most, cutoff, passed } = repetitionCountTest(octets, parameters);
      const found = `at most ${most} in a row among ${octets.length} octets, the alarm is at ${cutoff}`;
      return passed ? pass(found, limits) : failure(found, broken);
    },
  },
  {
    id: 'random.proportion',
    title: 'no random octet is too frequent (adaptive proportion test)',
    rule: `The first of each ${windowSize} octets comes fewer than C times in them, C = 1 + CRITBINOM(${windowSize}, 2⁻⁸, 1 − 2⁻⁴⁰).`,
    source: 'NIST SP 800-90B 4.4.2',
    expected: `fewer than ${adaptiveProportionTest(new Uint8Array(), parameters).cutoff} in ${windowSize}`,
    consequence: 'The TPM gives no random octets.',
    run: async (context) => {
      const octets = await sample(context);
      const { most, cutoff, passed } = adaptiveProportionTest(octets, parameters);
      const windows = Math.floor(octets.length / windowSize);
      const found = `at most ${most} in ${windows} windows of ${windowSize} octets, the alarm is at ${cutoff}`;
      return passed ? pass(found, limits) : failure(found, broken);
    },
  },
  {
    id: 'random.blocks',
    title: 'no two answers of the random source are alike',
    rule: 'Each answer of 16 octets or more to TPM2_GetRandom differs from all others.',
    source: 'FIPS 140-2 4.9.2 (continuous random number generator test)',
    expected: 'all different',
    consequence: 'The TPM gives no random octets.',
    run: async ({ material, step }) => {
      const blocks = (await material.randomBlocks(step)).filter(({ length }) => length >= 16);
      const distinct = new Set(blocks.map((block) => Buffer.from(block).toString('hex'))).size;
      return distinct === blocks.length
        ? pass(`${blocks.length} answers, all different`, limits)
        : failure(`${blocks.length - distinct} of ${blocks.length} answers came before`, broken);
    },
  },
]);

async function sample({ material, step }: TpmCheckContext): Promise<Uint8Array> {
  return Buffer.concat(await material.randomBlocks(step));
}
