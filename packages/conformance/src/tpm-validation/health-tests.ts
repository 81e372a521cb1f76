/**
 * The two health tests of NIST SP 800-90B 4.4, run over octets. Here they see what TPM2_GetRandom gives, which a generator
 * has made of its source of entropy: they find one that is stuck or grossly biased, and estimate no entropy.
 */
export interface HealthTestParameters {
  /** Min-entropy per octet that is claimed, in bits: 8 for what a generator gives. */
  readonly entropyBits: number;
  /** The binary logarithm of the chance of a false alarm, positive: 20 for 2^-20. */
  readonly falseAlarmBits: number;
}

export interface HealthTestResult {
  /** The most that was seen. */
  readonly most: number;
  /** As many are an alarm. */
  readonly cutoff: number;
  readonly passed: boolean;
}

/** Repetition count test: no octet comes too often in a row (4.4.1). */
export function repetitionCountTest(octets: Uint8Array, parameters: HealthTestParameters): HealthTestResult {
  const cutoff = repetitionCutoff(parameters);
  let most = 0;
  let inRow = 0;
  let last: number | undefined;
  for (const octet of octets) {
    inRow = octet === last ? inRow + 1 : 1;
    last = octet;
    most = Math.max(most, inRow);
  }
  return { most, cutoff, passed: most < cutoff };
}

/** Adaptive proportion test: the first octet of each window comes not too often in it (4.4.2). */
export function adaptiveProportionTest(
  octets: Uint8Array,
  parameters: HealthTestParameters,
): HealthTestResult {
  const cutoff = proportionCutoff(parameters);
  let most = 0;
  for (let start = 0; start + windowSize <= octets.length; start += windowSize) {
    const window = octets.subarray(start, start + windowSize);
    most = Math.max(most, window.filter((octet) => octet === window[0]).length);
  }
  return { most, cutoff, passed: most < cutoff };
}

export function repetitionCutoff({ entropyBits, falseAlarmBits }: HealthTestParameters): number {
  return 1 + Math.ceil(falseAlarmBits / entropyBits);
}

/** 1 + CRITBINOM(W, 2^-H, 1 - α): one more than the least count that is exceeded with a chance of α at most. */
export function proportionCutoff({ entropyBits, falseAlarmBits }: HealthTestParameters): number {
  const chance = 2 ** -entropyBits;
  const alpha = 2 ** -falseAlarmBits;
  // From above, where the terms are small, so that nothing is lost in adding them.
  let tail = 0;
  for (let count = windowSize; count >= 0; count -= 1) {
    tail += binomial(windowSize, count, chance);
    if (tail > alpha) return 1 + count;
  }
  return 1;
}

/** For samples that are not binary. */
export const windowSize = 512;

function binomial(trials: number, count: number, chance: number): number {
  let logarithm = count * Math.log(chance) + (trials - count) * Math.log1p(-chance);
  for (let index = 1; index <= count; index += 1) {
    logarithm += Math.log((trials - count + index) / index);
  }
  return Math.exp(logarithm);
}
