import { CountersignError } from '@countersign/core';
import { TpmCommandQueue } from '../command/command-queue.ts';
import type { CommandChannel } from '../command/run-command.ts';
import {
  createPrimary,
  entityNamedByHandle,
  flushObject,
  load,
  permanentHandles,
  readPublic,
  SessionPool,
  type AuthorizedEntity,
  type Entity,
  type KeyBlobs,
  type PublicObject,
} from '../session/index.ts';
import { storageRootKeyTemplate } from '../keys/key-templates.ts';
import { readLockoutState, type LockoutState } from '../storage/lockout.ts';
import { ObjectSlots } from '../storage/object-slots.ts';
import { saltKeyOf } from '../storage/storage-root-key.ts';
import type { TpmTransport } from '../transport/tpm-transport.ts';
import { readAbilities, type TpmAbilities } from './tpm-abilities.ts';
import { WatchedChannel } from './watched-channel.ts';

/** Where the storage root key of a connection comes from. */
export interface StorageRoot {
  obtain(channel: WatchedChannel): Promise<PublicObject>;
  /** The Name of the storage root key that is trusted. */
  trust(storageRootKey: PublicObject): Promise<Uint8Array>;
  /** Before the connection is closed; may be called again. */
  release?(channel: CommandChannel, storageRootKey: Entity): Promise<void>;
}

/** All that a provider has open in one TPM: sessions salted with its storage root key, and slots for objects. */
export class TpmConnection {
  readonly channel: WatchedChannel;
  readonly abilities: TpmAbilities;
  readonly pool: SessionPool;
  readonly slots: ObjectSlots;
  readonly storageRootKey: AuthorizedEntity;
  readonly #queue: TpmCommandQueue;
  readonly #root: StorageRoot;

  private constructor(
    queue: TpmCommandQueue,
    channel: WatchedChannel,
    abilities: TpmAbilities,
    pool: SessionPool,
    storageRootKey: PublicObject,
    root: StorageRoot,
  ) {
    this.#queue = queue;
    this.#root = root;
    this.channel = channel;
    this.abilities = abilities;
    this.pool = pool;
    this.slots = new ObjectSlots(pool, abilities.objectSlots, async (work) => this.#watched(work));
    this.storageRootKey = withEmptyAuth(storageRootKey);
    channel.onReset = () => {
      this.slots.forget();
      this.pool.forgetSessions();
    };
  }

  /**
   * @param transport closed with the connection, and if opening it fails
   */
  static async open(transport: TpmTransport, root: StorageRoot): Promise<TpmConnection> {
    const queue = new TpmCommandQueue(transport);
    let channel: WatchedChannel | undefined;
    try {
      channel = await WatchedChannel.open(queue);
      const abilities = await readAbilities(channel);
      const key = await root.obtain(channel);
      const salt = saltKeyOf(key, await root.trust(key));
      return new TpmConnection(queue, channel, abilities, new SessionPool(channel, { salt }), key, root);
    } catch (error) {
      // Cleaning up after an error that is told: what fails here adds nothing to it.
      await channel?.settle().catch(() => undefined);
      await queue.close();
      throw error;
    }
  }

  async lockoutState(): Promise<LockoutState> {
    return this.#watched(async () => readLockoutState(this.channel));
  }

  /** TPM2_Load under the parent that a key file names. */
  async load(blobs: KeyBlobs, parent: number): Promise<PublicObject> {
    if (parent === this.storageRootKey.handle) return load(this.pool, this.storageRootKey, blobs);
    if (parent >>> 24 === 0x81) {
      return load(this.pool, withEmptyAuth(await readPublic(this.pool, parent)), blobs);
    }
    if (parent !== permanentHandles.owner) throw unknownParent(parent);
    const owner = withEmptyAuth(entityNamedByHandle(permanentHandles.owner));
    const template = { publicArea: storageRootKeyTemplate, authValue: new Uint8Array() };
    const primary = await createPrimary(this.pool, owner, template);
    try {
      return await load(this.pool, withEmptyAuth(primary), blobs);
    } finally {
      await flushObject(this.pool, primary.handle);
    }
  }

  /**
   * After a response that cannot have been one to its command, the next may be late by one: the connection is given up, so
   * that what follows is not taken for what it is not.
   */
  async #watched<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof CountersignError && garbled.has(error.code)) this.channel.distrust();
      throw error;
    }
  }

  /** Leaves nothing of its own in the TPM, unless the TPM cannot be reached any more. */
  async close(): Promise<void> {
    const leave = async (): Promise<void> => {
      await this.slots.close();
      await this.pool.close();
      await this.#root.release?.(this.channel, this.storageRootKey);
      await this.channel.settle();
    };
    try {
      // Where only a connection was lost, the second attempt has another.
      if (!(await isDoneIfReachable(leave))) await isDoneIfReachable(leave);
    } finally {
      await this.#queue.close();
    }
  }
}

/** @returns whether the work was done; false if the TPM could not be reached for it */
async function isDoneIfReachable(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof CountersignError && unreachable.has(error.code)) return false;
    throw error;
  }
}

const garbled: ReadonlySet<string> = new Set([
  'TPM_REPLY_MALFORMED',
  'TPM_STRUCTURE_MALFORMED',
  'TPM_RESPONSE_NOT_AUTHENTIC',
]);

const unreachable: ReadonlySet<string> = new Set([
  'TPM_UNREACHABLE',
  'TPM_TIMEOUT',
  'TPM_NOT_FOUND',
  'TPM_REPLY_MALFORMED',
]);

function withEmptyAuth(entity: Entity): AuthorizedEntity {
  return {
    handle: entity.handle,
    name: entity.name,
    authorization: { kind: 'hmac', authValue: new Uint8Array() },
  };
}

function unknownParent(parent: number): CountersignError {
  return new CountersignError(
    'KEY_NOT_ACCEPTABLE',
    `the key file names the parent 0x${parent.toString(16)}; expected a persistent key or the owner hierarchy`,
    'Make the key under the storage root key, 0x81000001.',
  );
}
