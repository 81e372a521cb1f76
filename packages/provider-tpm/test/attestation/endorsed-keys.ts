import {
  AttestationChallenges,
  MemoryActivationStore,
  verifyEndorsementKey,
  type Certificate,
} from '@countersign/core';
import {
  activateCredential,
  createAttestationKey,
  endorsementKeySlots,
  readEndorsementCertificate,
  withEndorsementKey,
  type AttestationKeyAlgorithm,
  type EndorsementKeySlot,
  type LoadedKey,
  type NewAttestationKey,
} from '../../src/attestation/index.ts';
import type { PublicObject, SessionPool } from '../../src/session/index.ts';
import { hmac, utf8 } from '../session/keys.ts';
import type { Client, ManufacturedTpm } from './manufactured-tpm.ts';

export const attestationKeyAuth = utf8('of the attestation key');

export function slotOf(name: string): EndorsementKeySlot {
  const slot = endorsementKeySlots.find(({ template }) => template.name === name);
  if (slot === undefined) throw new Error(`there is no slot ${name}`);
  return slot;
}

export async function certificateOf(pool: SessionPool, name: string): Promise<Certificate> {
  const certificate = await readEndorsementCertificate(pool, slotOf(name));
  if (certificate === undefined) throw new Error(`the TPM has no certificate ${name}`);
  return certificate;
}

export function loaded(object: PublicObject, authValue: Uint8Array): LoadedKey {
  return { ...hmac(object, authValue), publicArea: object.publicArea };
}

/** An attestation key under the SRK that answered the challenge of a verifier which trusts the TPM's manufacturer. */
export async function activatedAttestationKey(
  tpm: ManufacturedTpm,
  { pool, srk }: Client,
  slotName: string,
  algorithm: AttestationKeyAlgorithm,
): Promise<{ readonly key: NewAttestationKey; readonly activations: MemoryActivationStore }> {
  const activations = new MemoryActivationStore();
  const challenges = new AttestationChallenges({ challenges: activations, activations });
  const options = { algorithm, authValue: attestationKeyAuth };
  const key = await createAttestationKey(pool, hmac(srk), options);
  const request = { slot: slotOf(slotName), certificate: await certificateOf(pool, slotName) };
  await withEndorsementKey(pool, request, async (endorsementKey) => {
    const { publicArea } = endorsementKey;
    const inputs = { publicArea, certificate: request.certificate, ...tpm.roots, at: new Date() };
    const challenge = await challenges.issue(key.publicArea, await verifyEndorsementKey(inputs));
    const secret = await activateCredential(pool, hmac(key, attestationKeyAuth), endorsementKey, challenge);
    await challenges.redeem(challenge.id, secret);
  });
  return { key, activations };
}
