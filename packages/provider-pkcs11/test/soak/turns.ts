/**
 * Who may work on the token when. SoftHSM 2.6 rewrites the token's own file at each C_Login, and another process that reads it
 * at that moment gets CKR_GENERAL_ERROR from then on: so nobody else works while the other process logs in. What logs in or
 * changes the token takes turns; signatures go on beside it.
 */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #signing = 0;
  #reopened: Promise<void> | undefined;
  #whenQuiet: () => void = nothing;

  /** Changes take turns. */
  async change<T>(work: () => T | Promise<T>): Promise<T> {
    const before = this.#last;
    const mine = (async (): Promise<T> => {
      await before;
      return work();
    })();
    // Whoever comes next does not care how this ended; the caller does.
    this.#last = mine.then(nothing, nothing);
    return mine;
  }

  /** Signatures wait only for what is done alone. */
  async sign<T>(work: () => Promise<T>): Promise<T> {
    while (this.#reopened !== undefined) await this.#reopened;
    this.#signing += 1;
    try {
      return await work();
    } finally {
      this.#signing -= 1;
      if (this.#signing === 0) this.#whenQuiet();
    }
  }

  /** Within a change: with no signature in flight either. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#reopened = promise;
    try {
      if (this.#signing > 0) {
        await new Promise<void>((quiet) => {
          this.#whenQuiet = quiet;
        });
      }
      return await work();
    } finally {
      this.#reopened = undefined;
      resolve();
    }
  }
}

function nothing(): void {}
