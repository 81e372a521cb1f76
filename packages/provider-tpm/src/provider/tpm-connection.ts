import { CountersignError } from '@countersign/core';
import { TpmCommandQueue } from '../command/command-queue.ts';
import { responseCodeOf } from '../command/response-code.ts';
import type { CommandChannel } from '../command/run-command.ts';
import { readClock } from '../command/read-clock.ts';
import { startup } from '../command/start-up.ts';
import {
  createPrimary,
  entityNamedByHandle,
  flushObject,
  listHandles,
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
import { findOrMakeStorageRootKey, saltKeyOf } from '../storage/storage-root-key.ts';
import type { ExchangeOptions, TpmTransport } from '../transport/tpm-transport.ts';
import { readAbilities, type TpmAbilities } from './tpm-abilities.ts';

/** All that a provider has open in one TPM: sessions salted with its storage root key, and slots for objects. */
export class TpmConnection {
  readonly abilities: TpmAbilities;
  readonly pool: SessionPool;
  readonly slots: ObjectSlots;
  readonly storageRootKey: AuthorizedEntity;
  readonly #queue: TpmCommandQueue;
  readonly #channel: WatchedChannel;

  private constructor(
    queue: TpmCommandQueue,
    channel: WatchedChannel,
    abilities: TpmAbilities,
    pool: SessionPool,
    storageRootKey: PublicObject,
    foreignObjects: readonly number[],
  ) {
    this.#queue = queue;
    this.abilities = abilities;
    this.pool = pool;
    this.#channel = channel;
    this.slots = new ObjectSlots(pool, abilities.objectSlots, foreignObjects, async (work) =>
      this.#watched(work),
    );
    this.storageRootKey = withEmptyAuth(storageRootKey);
    channel.onReset = () => {
      this.slots.forget();
      this.pool.forgetSessions();
    };
  }

  /**
   * @param transport closed with the connection, and if opening it fails
   * @param trust gives the Name of the storage root key that is trusted
   */
  static async open(
    transport: TpmTransport,
    ownerAuthValue: Uint8Array,
    trust: (storageRootKey: PublicObject) => Promise<Uint8Array>,
  ): Promise<TpmConnection> {
    const queue = new TpmCommandQueue(transport);
    try {
      const channel = await WatchedChannel.open(queue);
      const abilities = await readAbilities(channel);
      const storageRootKey = await findOrMakeStorageRootKey(channel, ownerAuthValue);
      const salt = saltKeyOf(storageRootKey, await trust(storageRootKey));
      const pool = new SessionPool(channel, { salt }, await listHandles(channel, 'loadedSession'));
      const objects = await listHandles(channel, 'transient');
      return new TpmConnection(queue, channel, abilities, pool, storageRootKey, objects);
    } catch (error) {
      await queue.close();
      throw error;
    }
  }

  async lockoutState(): Promise<LockoutState> {
    return this.#watched(async () => readLockoutState(this.#channel));
  }

  /**
   * After a response that cannot have been one to its command, the next may be late by one: the connection is given up, so
   * that what follows is not taken for what it is not.
   */
  async #watched<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof CountersignError && garbled.has(error.code)) this.#channel.distrust();
      throw error;
    }
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

  /** Leaves nothing of its own in the TPM, unless the TPM cannot be reached any more. */
  async close(): Promise<void> {
    try {
      await this.slots.close();
      await this.pool.close();
    } catch (error) {
      if (!(error instanceof CountersignError) || !unreachable.has(error.code)) throw error;
    } finally {
      await this.#queue.close();
    }
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

/**
 * Starts a TPM that nobody has started since its reset, which firmware does on real machines, and tells when what was
 * loaded is gone.
 */
class WatchedChannel implements CommandChannel {
  readonly #queue: TpmCommandQueue;
  #resets: number;
  #inDoubt = false;
  onReset: () => void = () => undefined;

  private constructor(queue: TpmCommandQueue, resets: number) {
    this.#queue = queue;
    this.#resets = resets;
  }

  static async open(queue: TpmCommandQueue): Promise<WatchedChannel> {
    // Asks for nothing that would need it started yet.
    const channel = new WatchedChannel(queue, 0);
    channel.#resets = (await readClock(channel)).resetCount;
    return channel;
  }

  async exchange(command: Uint8Array, options?: ExchangeOptions): Promise<Uint8Array> {
    if (this.#inDoubt) await this.#settleDoubt();
    const response = await this.#exchangeOnce(command, options);
    if (response.length < 10 || responseCodeOf(response) !== notStarted) return response;
    this.onReset();
    await startup(this.#queue, 'clear');
    return this.#exchangeOnce(command, options);
  }

  distrust(): void {
    this.#queue.distrust();
    this.#inDoubt = true;
  }

  async #exchangeOnce(command: Uint8Array, options?: ExchangeOptions): Promise<Uint8Array> {
    try {
      return await this.#queue.exchange(command, options);
    } catch (error) {
      this.#inDoubt = true;
      throw error;
    }
  }

  /** Behind a connection that was lost there may be a TPM that was reset, and handles that are given to others. */
  async #settleDoubt(): Promise<void> {
    this.#inDoubt = false;
    const { resetCount } = await readClock(this);
    if (resetCount === this.#resets) return;
    this.#resets = resetCount;
    this.onReset();
  }
}

/** TPM_RC_INITIALIZE: the command was not looked at. */
const notStarted = 0x100;

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
