import type { KeyProvider } from '@countersign/core';
import type { ConformanceTarget } from './conformance-target.ts';

/** The provider that cases share. Where the device takes one at a time, it steps aside while a case opens another. */
export class SharedProvider {
  readonly #target: ConformanceTarget;
  #provider: KeyProvider;
  #isAside = false;

  private constructor(target: ConformanceTarget, provider: KeyProvider) {
    this.#target = target;
    this.#provider = provider;
  }

  static async open(target: ConformanceTarget): Promise<SharedProvider> {
    return new SharedProvider(target, await target.open());
  }

  get provider(): KeyProvider {
    return this.#provider;
  }

  async stepAside(): Promise<void> {
    if (this.#isAside || this.#target.exclusive !== true) return;
    this.#isAside = true;
    await this.#provider.close();
  }

  /** @returns whether it had stepped aside, and its key objects are of no more use */
  async stepBack(): Promise<boolean> {
    if (!this.#isAside) return false;
    this.#provider = await this.#target.open();
    this.#isAside = false;
    return true;
  }
}
