import { getProperties } from '../command/get-capability.ts';
import type { CommandChannel } from '../command/run-command.ts';
import { storageRootKeyTemplate } from '../keys/key-templates.ts';
import type { StorageRoot } from '../provider/tpm-connection.ts';
import type { WatchedChannel } from '../provider/watched-channel.ts';
import {
  createPrimary,
  entityNamedByHandle,
  flushHandle,
  permanentHandles,
  SessionPool,
  type PublicObject,
} from '../session/index.ts';
import { findStorageRootKey, isStorageKey, storageRootKeyHandle } from '../storage/storage-root-key.ts';
import { withKnownAuth } from './known-auth.ts';

export type InspectionParent =
  'persistent' | 'made for the run' | 'made for the run, of no hierarchy that lasts';

/**
 * A storage root key for as long as a connection lasts: the persistent one, else one that is made in the TPM's memory and
 * flushed, so that nothing is left behind. Where the owner hierarchy is guarded it is made in the null hierarchy, whose
 * seed changes with each reset.
 */
export class InspectionRoot implements StorageRoot {
  kind: InspectionParent = 'persistent';

  async obtain(channel: WatchedChannel): Promise<PublicObject> {
    try {
      return await this.#findOrMake(channel);
    } catch (error) {
      // Refusals are not authenticated: what was refused may have been made all the same, and is looked for.
      channel.distrust();
      throw error;
    }
  }

  /** For one run, what is found is taken as it is. */
  trust({ name }: PublicObject): Promise<Uint8Array> {
    return Promise.resolve(name);
  }

  async release(channel: CommandChannel, { handle }: { readonly handle: number }): Promise<void> {
    if (handle !== storageRootKeyHandle) await flushHandle(channel, handle);
  }

  async #findOrMake(channel: CommandChannel): Promise<PublicObject> {
    const found = await findStorageRootKey(channel);
    this.kind = 'persistent';
    if (found !== undefined && isStorageKey(found)) return found;
    this.kind = 'made for the run';
    const permanent = (await getProperties(channel, 0x200)).get(0x200) ?? 0;
    if ((permanent & ownerAuthSet) === 0) {
      return withKnownAuth(async () => makeIn(channel, permanentHandles.owner));
    }
    this.kind = 'made for the run, of no hierarchy that lasts';
    return withKnownAuth(async () => makeIn(channel, permanentHandles.null));
  }
}

/** TPMA_PERMANENT (TPM 2.0 part 2, 8.6). */
const ownerAuthSet = 0x1;

async function makeIn(channel: CommandChannel, hierarchy: number): Promise<PublicObject> {
  // There is no key yet that a salt could be encrypted to.
  const pool = new SessionPool(channel, { salt: 'unsalted' });
  try {
    return await createPrimary(
      pool,
      { ...entityNamedByHandle(hierarchy), authorization: { kind: 'hmac', authValue: new Uint8Array() } },
      { publicArea: storageRootKeyTemplate, authValue: new Uint8Array() },
    );
  } finally {
    await pool.close();
  }
}
