import { CountersignError } from '@countersign/core';
import {
  flushHandle,
  flushObject,
  listHandles,
  readPublicUntrusted,
  TpmRefusal,
  type PublicObject,
  type SessionPool,
  type TpmChannel,
} from '../session/index.ts';

/** What can be loaded into a slot of the TPM whenever it is needed. */
export interface LoadableObject {
  /** Tells it from all others, also from one of the same key with another authValue. */
  readonly slotKey: string;
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
  /** Handles that others had loaded before: they stay. */
  readonly #foreign: Set<number>;
  /** Something failed whose answer was not a refusal: it may have left an object in a slot all the same. */
  #isAdrift = false;
  #queue: Promise<unknown> = Promise.resolve();

  /**
   * @param slots TPM_PT_HR_TRANSIENT_MIN
   * @param foreign handles of transient objects that others have loaded
   * @param watched runs each piece of work, and draws its own conclusions from how it fails
   */
  constructor(
    pool: SessionPool,
    slots: number,
    foreign: Iterable<number>,
    watched: <T>(work: () => Promise<T>) => Promise<T>,
  ) {
    this.#pool = pool;
    this.#slots = slots;
    this.#foreign = new Set(foreign);
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
        if (loaded === undefined) return;
        this.#loaded.delete(slotKey);
        await flushObject(this.#pool, loaded.handle);
      });
    } catch (error) {
      // The caller has done what it was asked for, and must not tell that it failed.
      if (!(error instanceof CountersignError)) throw error;
    }
  }

  /**
   * The TPM was reset: nothing is loaded any more, and handles are given anew. Nothing vouches for that, so what is there
   * all the same is collected.
   */
  forget(): void {
    this.#loaded.clear();
    this.#foreign.clear();
    this.#isAdrift = true;
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
    const loaded = await object.load();
    // Where the TPM puts it there is nothing else, whatever was thought to be there: a reset went unnoticed.
    for (const [slotKey, { handle }] of this.#loaded)
      if (handle === loaded.handle) this.#loaded.delete(slotKey);
    this.#loaded.set(object.slotKey, loaded);
    return loaded;
  }

  /** Empties slots with objects that were loaded from here without anybody having heard of it. */
  async #collectAdrift(): Promise<void> {
    if (!this.#isAdrift) return;
    const known = new Set(Array.from(this.#loaded.values(), ({ handle }) => handle));
    await this.#pool.withChannel(async (channel) => {
      for (const handle of await listHandles(channel, 'transient')) {
        if (!known.has(handle) && !this.#foreign.has(handle)) await flushHandle(channel, handle);
      }
    });
    this.#isAdrift = false;
  }

  async #makeRoom(kept: number): Promise<void> {
    for (const [slotKey, { handle }] of this.#loaded) {
      if (this.#loaded.size <= kept) return;
      this.#loaded.delete(slotKey);
      await flushObject(this.#pool, handle);
    }
  }

  /** After a reset that went unnoticed some may have been loaded since: each is asked for its Name. */
  async #forgetWhatIsGone(): Promise<void> {
    await this.#pool.withChannel(async (channel) => {
      for (const [slotKey, { handle, name }] of this.#loaded) {
        if (!(await isThere(channel, handle, name))) this.#loaded.delete(slotKey);
      }
    });
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
        await this.#forgetWhatIsGone();
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
        try {
          return await work();
        } catch (error) {
          if (!(error instanceof TpmRefusal)) this.#isAdrift = true;
          throw error;
        }
      }),
    );
    // Whoever waits does not care how the work before it ended: its own caller was told.
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

async function isThere(channel: TpmChannel, handle: number, name: Uint8Array): Promise<boolean> {
  try {
    return Buffer.compare((await readPublicUntrusted(channel, handle)).name, name) === 0;
  } catch (error) {
    if (error instanceof TpmRefusal) return false;
    throw error;
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
