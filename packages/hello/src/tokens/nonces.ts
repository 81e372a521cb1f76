import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { CountersignError } from '@countersign/core';

/** AD FS takes its nonces for ten minutes. */
const lifetimeMs = 10 * 60_000;

/** Time of issue (8 octets), randomness (16), and the HMAC-SHA256 of both (32). */
const headBytes = 24;
const nonceBytes = headBytes + 32;

/**
 * Hands out nonces, and takes each back once. Those that are out cost no memory, so that nobody can exhaust it by asking;
 * those that were used are remembered as long as they would be good. None outlives the process.
 */
export class Nonces {
  readonly #secret = randomBytes(32);
  /** To the times at which they end, in the order in which they were used. */
  readonly #used = new Map<string, number>();
  readonly #clock: () => Date;

  constructor(clock: () => Date) {
    this.#clock = clock;
  }

  /** @returns base64url */
  issue(): string {
    const head = Buffer.alloc(headBytes);
    head.writeBigUInt64BE(BigInt(this.#clock().getTime()));
    randomBytes(16).copy(head, 8);
    return Buffer.concat([head, this.#authenticate(head)]).toString('base64url');
  }

  /**
   * Takes a nonce back. To be called for authenticated messages only: others could use up what is not theirs.
   * @throws CountersignError `NONCE_STALE` if it is too old or not one of these, `REQUEST_REPLAYED` if it was used
   */
  redeem(nonce: string): void {
    const now = this.#clock().getTime();
    const issuedAt = this.#issuedAt(nonce);
    if (issuedAt === undefined || issuedAt > now || issuedAt + lifetimeMs <= now) throw stale();
    this.#forget(now);
    if (this.#used.has(nonce)) throw reused();
    this.#used.set(nonce, issuedAt + lifetimeMs);
  }

  #issuedAt(nonce: string): number | undefined {
    const octets = Buffer.from(nonce, 'base64url');
    if (octets.length !== nonceBytes || octets.toString('base64url') !== nonce) return undefined;
    const head = octets.subarray(0, headBytes);
    const isOurs = timingSafeEqual(octets.subarray(headBytes), this.#authenticate(head));
    return isOurs ? Number(head.readBigUInt64BE()) : undefined;
  }

  #authenticate(head: Uint8Array): Buffer {
    return createHmac('sha256', this.#secret).update(head).digest();
  }

  #forget(now: number): void {
    for (const [nonce, endsAt] of this.#used) if (endsAt <= now) this.#used.delete(nonce);
  }
}

function stale(): CountersignError {
  return new CountersignError(
    'NONCE_STALE',
    `the nonce of the request is older than ${lifetimeMs / 60_000} minutes, or was not given out here since the service started`,
    'Ask for a new nonce (grant_type=srv_challenge), and send the request with it.',
  );
}

function reused(): CountersignError {
  return new CountersignError(
    'REQUEST_REPLAYED',
    'the nonce of the request was used before',
    'Ask for a new nonce (grant_type=srv_challenge) for each request.',
  );
}
