import { CountersignError, TpmPublicArea, type Certificate, type PublicKey } from '@countersign/core';
import { listHandles } from '../session/commands/list-handles.ts';
import { createPrimary, flushObject } from '../session/commands/objects.ts';
import { confirmObject, readPublicUntrusted, type PublicObject } from '../session/commands/read-public.ts';
import type { Authorization, SessionPool } from '../session/session-pool.ts';
import type { TpmChannel } from '../session/tpm-channel.ts';
import type { EndorsementKeySlot } from './endorsement-key-slot.ts';
import { endorsementHierarchy } from './endorsement-policy.ts';
import { assertMadeFrom, manufacturerTemplate } from './endorsement-template.ts';

export interface EndorsementKeyRequest {
  readonly slot: EndorsementKeySlot;
  /**
   * The certificate that the key must be the one of. Where it is left out the key is made from the template, and nothing
   * says that the manufacturer knows it.
   */
  readonly certificate?: Certificate | undefined;
  /** Of the endorsement hierarchy; an empty authValue if absent. */
  readonly endorsement?: Authorization | undefined;
  /** Of the owner, for NV indices that cannot be read with their own authValue; an empty authValue if absent. */
  readonly owner?: Authorization | undefined;
}

/** An endorsement key that is loaded: public area, key and, where there is one, certificate are proved to be one. */
export interface EndorsementKey extends PublicObject {
  readonly certificate: Certificate | undefined;
}

/**
 * Uses an endorsement key: the persistent one if the certificate is for it, else one that is made from the slot's
 * template, or from what the manufacturer left in NV for that, and flushed afterwards. A TPM makes the same key from a
 * template each time, as long as the endorsement seed stays. Nothing becomes persistent, and nothing that is persistent
 * is touched.
 * @param work may use the key until its promise settles
 * @throws CountersignError `EK_CERTIFICATE_MISMATCH` if the certificate is for another key, `EK_TEMPLATE_MISMATCH` if the
 *   public area is not what the template makes; what the TPM refuses, and what `work` throws
 */
export async function withEndorsementKey<T>(
  pool: SessionPool,
  { slot, certificate, endorsement, owner }: EndorsementKeyRequest,
  work: (key: EndorsementKey) => Promise<T>,
): Promise<T> {
  const persistent = certificate === undefined ? undefined : await findPersistent(pool, certificate);
  if (persistent !== undefined) {
    assertMadeFrom(slot, persistent.publicArea);
    return work({ ...persistent, certificate });
  }
  const publicArea = await manufacturerTemplate(pool, slot, owner);
  const template = { publicArea, authValue: new Uint8Array() };
  const made = await createPrimary(pool, endorsementHierarchy(endorsement), template);
  try {
    assertMadeFrom(slot, made.publicArea);
    if (certificate !== undefined) assertSameKey(slot, made, certificate);
    return await work({ ...made, certificate });
  } finally {
    await flushObject(pool, made.handle);
  }
}

/** Registries disagree on the handles of single templates, so that all of the endorsement hierarchy's are looked at. */
async function findPersistent(
  pool: SessionPool,
  { publicKey }: Certificate,
): Promise<PublicObject | undefined> {
  const candidate = await pool.withChannel(async (channel) => {
    const handles = await listHandles(channel, 'persistent');
    for (const handle of handles.filter((each) => each >= range.first && each <= range.last)) {
      const object = await readIfAsymmetric(channel, handle);
      if (object !== undefined && publicKeyOf(object)?.equals(publicKey) === true) return object;
    }
    return undefined;
  });
  // Nothing vouched for the answers so far; now the TPM does.
  return candidate === undefined ? undefined : confirmObject(pool, candidate);
}

/** Persistent objects of the endorsement hierarchy (TCG Registry of Reserved TPM 2.0 Handles). */
const range = { first: 0x81010000, last: 0x8101ffff } as const;

async function readIfAsymmetric(channel: TpmChannel, handle: number): Promise<PublicObject | undefined> {
  try {
    return await readPublicUntrusted(channel, handle);
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'ALGORITHM_NOT_SUPPORTED') return undefined;
    throw error;
  }
}

/** What cannot be read as a key is not the certificate's. */
function publicKeyOf({ publicArea }: PublicObject): PublicKey | undefined {
  try {
    return TpmPublicArea.parse(publicArea).publicKey;
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}

function assertSameKey(
  { template }: EndorsementKeySlot,
  { publicArea }: PublicObject,
  certificate: Certificate,
): void {
  const { publicKey } = TpmPublicArea.parse(publicArea);
  if (publicKey.equals(certificate.publicKey)) return;
  throw new CountersignError(
    'EK_CERTIFICATE_MISMATCH',
    `the certificate ${certificate.serialNumber} is for the key ${certificate.publicKey.keyId}; the TPM makes ${publicKey.keyId} from the template ${template.name}, and has no persistent endorsement key that is the certificate's`,
    'Use the certificate of this TPM and slot. If it is, the endorsement seed was changed: the certificate is of no use any more.',
    { adcs: 'CERTSRV_E_INVALID_EK' },
  );
}
