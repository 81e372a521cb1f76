import { CountersignError } from '@countersign/core';
import { storageRootKeyTemplate } from '../keys/key-templates.ts';
import {
  createPrimary,
  entityNamedByHandle,
  evictControl,
  flushObject,
  parsePublicArea,
  objectAttributes,
  permanentHandles,
  readPublicUntrusted,
  SaltKey,
  SessionPool,
  TpmRefusal,
  type AuthorizedEntity,
  type PublicObject,
  type TpmChannel,
} from '../session/index.ts';

/** Where TCG's provisioning guidance (7.8) puts the storage root key. */
export const storageRootKeyHandle = 0x81000001;

/**
 * The storage root key, found at its persistent handle, or made there where nothing is. Nothing that others put there is
 * ever replaced.
 * @param ownerAuthValue of the owner hierarchy, for making it
 * @throws CountersignError `TPM_NOT_PERMITTED` if making it wants another authValue, `TPM_KEY_NOT_TRUSTED` if what is there
 *   cannot be a parent of keys
 */
export async function findOrMakeStorageRootKey(
  channel: TpmChannel,
  ownerAuthValue: Uint8Array,
): Promise<PublicObject> {
  const found = (await findStorageRootKey(channel)) ?? (await makeStorageRootKey(channel, ownerAuthValue));
  assertStorageKey(found);
  return found;
}

export function saltKeyOf(storageRootKey: PublicObject, trustedName: Uint8Array): SaltKey {
  return SaltKey.pin(storageRootKey.handle, storageRootKey.publicArea, trustedName);
}

/** @returns undefined if nothing is there */
export async function findStorageRootKey(channel: TpmChannel): Promise<PublicObject | undefined> {
  try {
    return await readPublicUntrusted(channel, storageRootKeyHandle);
  } catch (error) {
    // TPM_RC_HANDLE for handle 1: nothing is there.
    if (error instanceof TpmRefusal && error.responseCode === 0x18b) return undefined;
    throw error;
  }
}

async function makeStorageRootKey(channel: TpmChannel, ownerAuthValue: Uint8Array): Promise<PublicObject> {
  const owner: AuthorizedEntity = {
    ...entityNamedByHandle(permanentHandles.owner),
    authorization: { kind: 'hmac', authValue: ownerAuthValue },
  };
  // There is no key yet that a salt could be encrypted to.
  const pool = new SessionPool(channel, { salt: 'unsalted' });
  try {
    const template = { publicArea: storageRootKeyTemplate, authValue: new Uint8Array() };
    const primary = await createPrimary(pool, owner, template);
    try {
      await evictControl(pool, owner, primary, storageRootKeyHandle);
    } catch (error) {
      // TPM_RC_NV_DEFINED: another process was first, and it is the same key.
      if (!(error instanceof TpmRefusal) || error.responseCode !== 0x14c) throw error;
    } finally {
      await flushObject(pool, primary.handle);
    }
    return { ...primary, handle: storageRootKeyHandle };
  } catch (error) {
    throw isAuthFailure(error) ? ownerIsGuarded(error) : error;
  } finally {
    await pool.close();
  }
}

/** Whether a key of this TPM can be a parent of others. */
export function isStorageKey({ publicArea }: PublicObject): boolean {
  const { attributes } = parsePublicArea(publicArea);
  const { fixedTpm, restricted, decrypt } = objectAttributes;
  const wanted = fixedTpm | restricted | decrypt;
  return (attributes & wanted) === wanted;
}

function assertStorageKey(found: PublicObject): void {
  if (isStorageKey(found)) return;
  const { attributes } = parsePublicArea(found.publicArea);
  throw new CountersignError(
    'TPM_KEY_NOT_TRUSTED',
    `the key at the handle 0x${storageRootKeyHandle.toString(16)} is no storage key of this TPM (attributes 0x${attributes.toString(16)})`,
    'Another program keeps a key of its own there. Have it moved to another handle, or use another TPM.',
  );
}

/** TPM_RC_AUTH_FAIL and TPM_RC_BAD_AUTH, whichever session they are for; TPM_RC_AUTH_MISSING. */
function isAuthFailure(error: unknown): error is TpmRefusal {
  if (!(error instanceof TpmRefusal)) return false;
  const base = error.responseCode & 0x0bf;
  return base === 0x08e || base === 0x0a2 || error.responseCode === 0x125;
}

function ownerIsGuarded(cause: TpmRefusal): CountersignError {
  return new CountersignError(
    'TPM_NOT_PERMITTED',
    `the TPM has no storage root key at 0x${storageRootKeyHandle.toString(16)}, and making one wants the owner's authorization`,
    'Give ownerAuthValue, or have the owner make it: tpm2_createprimary -C o -G ecc -c srk.ctx; tpm2_evictcontrol -C o -c srk.ctx 0x81000001',
    { cause },
  );
}
