import type { Certificate } from '@countersign/core';

export interface TpmValidationOptions {
  /** Whom endorsement key certificates must lead to; their chain is not judged without it. */
  readonly endorsementRoots?: {
    readonly trustAnchors: readonly Certificate[];
    /** Intermediate CAs that the TPM does not bring along. */
    readonly certificates: readonly Certificate[];
  };
  /** Locks the TPM with wrong PINs, and resets it. Default false. */
  readonly allowLockout?: boolean;
  /** Switches the TPM off and on, where that can be done from here. Default false. */
  readonly allowRestart?: boolean;
  /** A key that an earlier run made, before the machine was restarted. */
  readonly keyFromEarlierRun?: SavedTrialKey;
  /** Has the run make a key for a later run and hands it over. */
  readonly keepKey?: (key: SavedTrialKey) => Promise<void>;
  /** Fresh keys of each kind for the tests of weak keys, which are also the samples of key creation; default 20. */
  readonly freshKeys?: number;
  /** Signatures of each kind whose time is taken; default 50. */
  readonly signatures?: number;
  /** Octets from the random source; default 8,192, and no fewer than the 1,024 of a start-up test (SP 800-90B 4.3). */
  readonly randomOctets?: number;
  /** Ends the run; the report says what was done until then. */
  readonly signal?: AbortSignal;
  readonly at?: Date;
}

/** What one run hands to the next, over a restart of the machine. */
export interface SavedTrialKey {
  /** As `TpmUnderTest.saveKey` gave it. */
  readonly key: string;
  /** The TPM's count of resets at that time. */
  readonly resetCount: number;
}

export interface ResolvedTpmValidationOptions extends TpmValidationOptions {
  readonly allowLockout: boolean;
  readonly allowRestart: boolean;
  readonly freshKeys: number;
  readonly signatures: number;
  readonly randomOctets: number;
  readonly at: Date;
}

/** @throws RangeError for counts that are none */
export function resolveOptions(options: TpmValidationOptions): ResolvedTpmValidationOptions {
  const { freshKeys = 20, signatures = 50, randomOctets = 8192 } = options;
  assertCount('freshKeys', freshKeys, 2, 1000);
  assertCount('signatures', signatures, 1, 100_000);
  assertCount('randomOctets', randomOctets, 1024, 1_048_576);
  return {
    ...options,
    allowLockout: options.allowLockout ?? false,
    allowRestart: options.allowRestart ?? false,
    freshKeys,
    signatures,
    randomOctets,
    at: options.at ?? new Date(),
  };
}

function assertCount(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`${name} is ${value}; expected a whole number from ${least} to ${most}`);
}
