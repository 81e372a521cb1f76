import { CountersignError } from '@countersign/core';
import { quote, type PcrSelection } from '../session/commands/attestation.ts';
import type { SessionPool } from '../session/session-pool.ts';
import { attestationScheme } from './attestation-key.ts';
import {
  assertNonce,
  encodeSignature,
  type LoadedKey,
  type SignedAttestation,
} from './signed-attestation.ts';

/**
 * Has the attestation key say what PCRs hold: TPM2_Quote.
 * @param nonce the verifier's, 1 to 66 octets; TPMs without SHA-512 take fewer
 * @param selections at least one PCR, each bank once
 * @throws CountersignError `VALUE_OUT_OF_RANGE`, `ATTESTATION_ATTRIBUTES_REFUSED` if the key is no attestation key; what
 *   the TPM refuses
 */
export async function quotePcrs(
  pool: SessionPool,
  attestationKey: LoadedKey,
  nonce: Uint8Array,
  selections: readonly PcrSelection[],
): Promise<SignedAttestation> {
  assertNonce(nonce);
  assertSelections(selections);
  const scheme = attestationScheme(attestationKey.publicArea);
  const { attest, signature } = await quote(pool, attestationKey, nonce, scheme, selections);
  return { attest, signature: encodeSignature(signature) };
}

function assertSelections(selections: readonly PcrSelection[]): void {
  const banks = new Set(selections.map(({ hash }) => hash));
  const pcrs = selections.flatMap((selection) => selection.pcrs);
  const outside = pcrs.find((pcr) => !Number.isInteger(pcr) || pcr < 0 || pcr > 23);
  if (outside !== undefined) throw outOfRange(`the quote is to cover PCR ${outside}; there are 0 to 23`);
  if (pcrs.length === 0) throw outOfRange('the quote is to cover no PCR');
  if (banks.size < selections.length) throw outOfRange('the quote is to cover a bank of PCRs twice');
}

function outOfRange(found: string): CountersignError {
  return new CountersignError('VALUE_OUT_OF_RANGE', found, 'Select the PCRs that the verifier asks for.');
}
