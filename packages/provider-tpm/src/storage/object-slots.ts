import { CountersignError } from '@countersign/core';
import {
  flushHandle,
  flushObject,
  listHandles,
  readPublicUntrusted,
  TpmRefusal,
  type PublicObject,
  type SessionPool,
} from '../session/index.ts';

/** What can be loaded into a slot of the TPM whenever it is needed. */
export interface LoadableObject {
  /** Tells it from all others, also from one of the same key with another authValue. */
  readonly slotKey: string;
  /** nameAlg and digest of its public area. */
  readonly name: Uint8Array;
  load(): Promise<PublicObject>;
}

/**
 * The few slots in which a TPM holds objects that it works with (three, by PC client profile), shared by any number of
 * keys: the least recently used makes room. Work is done one after the other, because a slot that one uses must not be
 * emptied by the next.
 */
export class ObjectSlots {
  readonly #pool: SessionPool;
  readonly #slots: number;
  readonly #watched: <T>(work: () => Promise<T>) => Promise<T>;
  /** In the order of their last use. */
  readonly #loaded = new Map<string, PublicObject>();
  /** Names, in hex, of objects whose loading or flushing was answered by nobody: they may be in a slot all the same. */
  readonly #adrift = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();

  /**
   * @param slots TPM_PT_HR_TRANSIENT_MIN
   * @param watched runs each piece of work, and draws its own conclusions from how it fails
   */
  constructor(pool: SessionPool, slots: number, watched: <T>(work: () => Promise<T>) => Promise<T>) {
    this.#pool = pool;
    this.#slots = slots;
    this.#watched = watched;
  }

  /** Works with a loaded object. If the TPM has lost it, to a reset, it is loaded again, once. */
  async use<T>(object: LoadableObject, work: (loaded: PublicObject) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => this.#again(async () => work(await this.#load(object))));
  }

  /** Works with two loaded objects. */
  async useBoth<T>(
    first: LoadableObject,
    second: LoadableObject,
    work: (first: PublicObject, second: PublicObject) => Promise<T>,
  ): Promise<T> {
    return this.#inTurn(async () =>
      this.#again(async () => {
        await this.#load(first);
        const loadedSecond = await this.#load(second);
        return work(await this.#load(first), loadedSecond);
      }),
    );
  }

  /** Works with a loaded object while all other slots are free. */
  async useAlone<T>(object: LoadableObject, work: (loaded: PublicObject) => Promise<T>): Promise<T> {
    return this.#inTurn(async () =>
      this.#again(async () => {
        await this.#makeRoom(0);
        return work(await this.#load(object));
      }),
    );
  }

  /** Works with as many free slots as the TPM's most demanding commands need. */
  async withFreeSlots<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTurn(async () =>
      this.#again(async () => {
        await this.#makeRoom(0);
        return work();
      }),
    );
  }

  /** Empties the slot of an object that is not to be used any more; if that fails, whatever comes next does it. */
  async drop(slotKey: string): Promise<void> {
    try {
      await this.#inTurn(async () => {
        const loaded = this.#loaded.get(slotKey);
        if (loaded !== undefined) await this.#flush(slotKey, loaded);
      });
    } catch (error) {
      // The caller has done what it was asked for, and must not tell that it failed.
      if (!(error instanceof CountersignError)) throw error;
    }
  }

  /**
   * The TPM was reset: nothing is loaded any more, and handles are given anew. Nothing vouches for that, so what is there
   * all the same is found by its Name.
   */
  forget(): void {
    for (const { name } of this.#loaded.values()) this.#adrift.add(hex(name));
    this.#loaded.clear();
  }

  /** Empties all slots that were filled from here. */
  async close(): Promise<void> {
    await this.#inTurn(async () => this.#makeRoom(0));
  }

  async #load(object: LoadableObject): Promise<PublicObject> {
    const found = this.#loaded.get(object.slotKey);
    if (found !== undefined) {
      this.#loaded.delete(object.slotKey);
      this.#loaded.set(object.slotKey, found);
      return found;
    }
    // Loading takes a slot for the object and one for its parent, which is persistent but worked with in a slot.
    await this.#makeRoom(Math.max(0, this.#slots - 2));
    try {
      const loaded = await object.load();
      // Where the TPM puts it there is nothing else, whatever was thought to be there: a reset went unnoticed.
      for (const [slotKey, { handle }] of this.#loaded)
        if (handle === loaded.handle) this.#loaded.delete(slotKey);
      this.#loaded.set(object.slotKey, loaded);
      return loaded;
    } catch (error) {
      if (!(error instanceof TpmRefusal)) this.#adrift.add(hex(object.name));
      throw error;
    }
  }

  /** Empties slots with objects that were loaded from here and are not known to be there. */
  async #collectAdrift(): Promise<void> {
    if (this.#adrift.size === 0) return;
    await this.#pool.withChannel(async (channel) => {
      const handles = await listHandles(channel, 'transient');
      const known = new Set(Array.from(this.#loaded.values(), ({ handle }) => handle));
      for (const handle of handles) {
        if (known.has(handle)) continue;
        const { name } = await readPublicUntrusted(channel, handle);
        if (this.#adrift.has(hex(name))) await flushHandle(channel, handle);
      }
    });
    this.#adrift.clear();
  }

  async #makeRoom(kept: number): Promise<void> {
    for (const [slotKey, loaded] of this.#loaded) {
      if (this.#loaded.size <= kept) return;
      await this.#flush(slotKey, loaded);
    }
  }

  async #flush(slotKey: string, { handle, name }: PublicObject): Promise<void> {
    this.#loaded.delete(slotKey);
    this.#adrift.add(hex(name));
    await flushObject(this.#pool, handle);
    this.#adrift.delete(hex(name));
  }

  /** Once more with empty slots, after a refusal that says that the slots are not as they are thought to be. */
  async #again<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      if (error instanceof TpmRefusal && isOutOfSlots(error.responseCode) && this.#loaded.size > 0) {
        await this.#makeRoom(0);
      } else if (error instanceof TpmRefusal && isHandleUnknown(error.responseCode)) {
        // One was flushed by somebody else, or all went with a reset.
        this.forget();
        await this.#collectAdrift();
      } else {
        throw error;
      }
    }
    return work();
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(async () =>
      this.#watched(async () => {
        await this.#collectAdrift();
        return work();
      }),
    );
    // Whoever waits does not care how the work before it ended: its own caller was told.
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

/** TPM_RC_OBJECT_MEMORY; TPM_RC_OBJECT_HANDLES. */
function isOutOfSlots(responseCode: number): boolean {
  return responseCode === 0x902 || responseCode === 0x906;
}

/** TPM_RC_REFERENCE_H0 to H6. Nothing was done, and no authValue looked at. */
function isHandleUnknown(responseCode: number): boolean {
  return responseCode >= 0x910 && responseCode <= 0x916;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
