/** Work that must not overlap, done in the order in which it came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    // Whoever comes next waits for the end, whichever it is.
    this.#last = done.catch(() => undefined);
    return done;
  }
}
