/**
 * Whether to sign on this thread or in the background. A background signature costs a change of threads, about as much as
 * an ECDSA signature by a soft token, but leaves this thread free and uses other cores. So what takes long goes there:
 * RSA from the start, everything else once the token has shown that it is slow.
 */
export class SigningPace {
  #averageMs = 0;

  get isSlow(): boolean {
    return this.#averageMs > slowMs;
  }

  /** Takes a signature made on this thread into account. */
  took(durationMs: number): void {
    this.#averageMs += (durationMs - this.#averageMs) / 8;
  }
}

/** As long as a thread may be kept from everything else. */
const slowMs = 2;
