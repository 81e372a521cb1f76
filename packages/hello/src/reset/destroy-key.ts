import {
  Certificate,
  CertificationRequest,
  CountersignError,
  isPinProtected,
  PublicKey,
  type KeyCustody,
} from '@countersign/core';
import type { ProvisioningRecord } from '../provisioning/journal.ts';
import type { ResetKey } from './reset-journal.ts';
import type { ResetStations } from './reset-stations.ts';

/** Whether what a provider threw means that the key is not there, and will not come back. */
export type IsGone = (error: unknown) => boolean;

/** The key that a provisioning made, whether or not it had come to note it, and whether or not it is still there. */
export async function findKey(
  custody: KeyCustody,
  provisioned: ProvisioningRecord,
  isGone: IsGone,
): Promise<ResetKey | undefined> {
  const { id, keyRef } = provisioned;
  const label = `hello-${id}`;
  try {
    const found = (await custody.list()).find((key) => key.ref === keyRef || key.label === label);
    if (found !== undefined) return { ref: found.ref, keyId: found.keyId, publicKey: found.publicKey };
    if (keyRef === undefined) return undefined;
    const { publicKey } = await custody.provider.open(keyRef);
    return { ref: keyRef, keyId: PublicKey.parse(publicKey).keyId, publicKey };
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  return keyRef === undefined ? undefined : rememberedKey(keyRef, provisioned);
}

/** What the journal knows of a key that is gone. */
function rememberedKey(
  ref: string,
  { registration, request, certificate }: ProvisioningRecord,
): ResetKey | undefined {
  const certified =
    (certificate && Certificate.parse(certificate).publicKey) ??
    (request && CertificationRequest.parse(request).publicKey);
  const keyId = certified?.keyId ?? registration?.keyId;
  return keyId === undefined ? undefined : { ref, keyId, publicKey: certified?.subjectPublicKeyInfo };
}

/**
 * Destroys a key, or finishes what a destruction that was cut off left.
 * @throws CountersignError `PIN_REQUIRED` where the token wants a PIN and none is lent; `TOKEN_NOT_PRESENT`
 */
export async function destroyKey(
  stations: Pick<ResetStations, 'custody' | 'withPin'>,
  { ref, keyId }: ResetKey,
  reason: string,
  isGone: IsGone,
): Promise<void> {
  try {
    await stations.custody.destroy(ref, reason);
  } catch (error) {
    if (isGone(error)) return finishDestruction(stations.custody, keyId);
    if (!(error instanceof CountersignError) || error.code !== 'PIN_REQUIRED') throw error;
    await destroyUnlocked(stations, ref, reason, error);
  }
}

/** The record may still say that the key is about to be destroyed. One that was lost by itself is left as it is. */
async function finishDestruction(custody: KeyCustody, keyId: string): Promise<void> {
  const record = await custody.findRecord(keyId);
  if (record?.destructionBegunAt !== undefined && record.history.state !== 'destroyed')
    await custody.reconcile();
}

async function destroyUnlocked(
  stations: Pick<ResetStations, 'custody' | 'withPin'>,
  ref: string,
  reason: string,
  refused: CountersignError,
): Promise<void> {
  const { custody } = stations;
  if (stations.withPin === undefined) throw pinRequired(ref, refused);
  const key = await custody.provider.open(ref);
  if (!isPinProtected(key)) throw refused;
  await stations.withPin('known', async (pin) => key.unlock(pin));
  try {
    await custody.destroy(ref, reason);
  } finally {
    key.lock();
  }
}

function pinRequired(ref: string, cause: CountersignError): CountersignError {
  return new CountersignError(
    'PIN_REQUIRED',
    `the token destroys nothing without its PIN; the key ${ref} is as it was`,
    'Give the PIN. If it is forgotten, have the token initialized anew, which destroys its keys, and say so to the reset.',
    { cause },
  );
}
