import { randomBytes } from 'node:crypto';
import { TpmPublicArea } from '@countersign/core';
import type { LatencyRecorder } from './latency.ts';
import type { EndorsementCertificate, TpmUnderTest, TrialKey } from './tpm-under-test.ts';
import type { ResolvedTpmValidationOptions } from './tpm-validation-options.ts';

export type TrialAlgorithm = 'rsa2048' | 'p256';

export interface FreshKey {
  readonly key: TrialKey;
  readonly area: TpmPublicArea;
}

type Step = (done: number, total: number) => void;

/** What several checks look at, made or read once: fresh keys, whose making is timed, random octets, certificates. */
export class TrialMaterial {
  readonly #tpm: TpmUnderTest;
  readonly #options: ResolvedTpmValidationOptions;
  readonly #latency: LatencyRecorder;
  readonly #keys = new Map<TrialAlgorithm, FreshKey[]>();
  readonly #blocks: Uint8Array[] = [];
  #certificates: readonly EndorsementCertificate[] | undefined;

  constructor(tpm: TpmUnderTest, options: ResolvedTpmValidationOptions, latency: LatencyRecorder) {
    this.#tpm = tpm;
    this.#options = options;
    this.#latency = latency;
  }

  /** As many as the options say; what an attempt before this one made counts. */
  async freshKeys(algorithm: TrialAlgorithm, step: Step): Promise<readonly FreshKey[]> {
    const keys = this.#keysOf(algorithm);
    while (keys.length < this.#options.freshKeys) {
      step(keys.length, this.#options.freshKeys);
      await this.#make(algorithm, keys);
    }
    return keys;
  }

  async oneKey(algorithm: TrialAlgorithm): Promise<FreshKey> {
    const keys = this.#keysOf(algorithm);
    return keys[0] ?? this.#make(algorithm, keys);
  }

  /** As the TPM has them; read once, since that takes many commands. */
  async endorsementCertificates(): Promise<readonly EndorsementCertificate[]> {
    this.#certificates ??= await this.#tpm.endorsementCertificates();
    return this.#certificates;
  }

  /** What the TPM gave at a time. */
  async randomBlocks(step: Step): Promise<readonly Uint8Array[]> {
    const { randomOctets } = this.#options;
    let octets = this.#blocks.reduce((sum, { length }) => sum + length, 0);
    while (octets < randomOctets) {
      step(octets, randomOctets);
      const block = await this.#tpm.random(Math.min(mostAtOnce, randomOctets - octets));
      this.#blocks.push(block);
      octets += block.length;
    }
    return this.#blocks;
  }

  #keysOf(algorithm: TrialAlgorithm): FreshKey[] {
    const keys = this.#keys.get(algorithm) ?? [];
    this.#keys.set(algorithm, keys);
    return keys;
  }

  async #make(algorithm: TrialAlgorithm, keys: FreshKey[]): Promise<FreshKey> {
    const key = await this.#tpm.createKey({ algorithm });
    this.#latency.add(`${algorithm}-create`, key.madeInMs);
    const fresh = { key, area: TpmPublicArea.parse(key.publicArea) };
    keys.push(fresh);
    return fresh;
  }
}

/** As long as the longest digest; a TPM gives no more at once than its own longest. */
const mostAtOnce = 64;

/** A PIN that nobody knows, of printable characters, as TPM programs expect them. */
export function randomPin(): Uint8Array {
  return Buffer.from(randomBytes(9).toString('base64url'));
}
