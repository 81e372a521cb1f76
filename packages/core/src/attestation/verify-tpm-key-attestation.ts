import { timingSafeEqual } from 'node:crypto';
import type { KeyPolicy } from '../key-quality/assert-good-key.ts';
import { assertGoodKey } from '../key-quality/assert-good-key.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { findAttestationKey, type AttestationKey, type AttestationKeyBinding } from './attestation-key.ts';
import type { TpmKeyEvidence } from './evidence.ts';
import { assertCertifiedKeyAttributes } from './key-attributes.ts';
import { attestationRefused } from './refusal.ts';
import { parseCertifyAttest, type TpmCertifyAttest, type TpmClock } from './tpm/attest.ts';
import { TpmPublicArea } from './tpm/public-area.ts';
import { verifyAttestSignature } from './verify-attest-signature.ts';

export interface TpmKeyAttestationInputs {
  /** The key of the request: the one that must be in the TPM. */
  readonly publicKey: PublicKey;
  /** What the verifier gave the requester for this attestation, octet for octet. */
  readonly nonce: Uint8Array;
  /** How it is known that the key that signed is an attestation key of a real TPM. */
  readonly binding: AttestationKeyBinding;
  readonly at: Date;
  /** Which keys may be certified, and sign attestations. */
  readonly keyPolicy?: KeyPolicy;
}

/** What an attestation proved. */
export interface TpmKeyAttestation {
  /** The public area of the request's key. */
  readonly certifiedKey: TpmPublicArea;
  readonly attestationKey: AttestationKey;
  readonly clock: TpmClock;
  readonly firmwareVersion: bigint;
}

/**
 * Verifies that the key of a request was made in a TPM and cannot leave it.
 * @throws CountersignError `ATTESTATION_*`, each check with its own: `MISSING` (no public area), `MALFORMED`,
 *   `MAGIC_WRONG`, `TYPE_WRONG`, `NONCE_MISMATCH`, `NAME_MISMATCH` (the TPM certified another object),
 *   `KEY_MISMATCH` (the request has another key), `ATTRIBUTES_REFUSED`, `ALGORITHM_REFUSED`, `KEY_NOT_BOUND`,
 *   `SIGNATURE_INVALID`; what `assertGoodKey` refuses either key for; what `findPath` refuses the attestation key's
 *   certificate for, such as `PATH_NOT_FOUND` or `CERTIFICATE_EXPIRED`
 */
export async function verifyTpmKeyAttestation(
  evidence: TpmKeyEvidence,
  inputs: TpmKeyAttestationInputs,
): Promise<TpmKeyAttestation> {
  const attest = parseCertifyAttest(evidence.attest);
  assertNonce(attest, inputs.nonce);
  const certifiedKey = certifiedPublicArea(evidence, attest);
  assertRequestedKey(certifiedKey, inputs.publicKey);
  assertCertifiedKeyAttributes(certifiedKey);
  await assertGoodKey(certifiedKey.publicKey, inputs.keyPolicy);
  const attestationKey = await findAttestationKey(evidence, inputs.binding, inputs.at);
  await assertGoodKey(attestationKey.publicKey, inputs.keyPolicy);
  verifyAttestSignature(attest, evidence.signature, attestationKey);
  const { clock, firmwareVersion } = attest;
  return { certifiedKey, attestationKey, clock, firmwareVersion };
}

function assertNonce({ extraData }: TpmCertifyAttest, nonce: Uint8Array): void {
  // A nonce that is empty would be met by any attestation that ever was made without one.
  if (nonce.length > 0 && extraData.length === nonce.length && timingSafeEqual(extraData, nonce)) return;
  throw attestationRefused(
    'ATTESTATION_NONCE_MISMATCH',
    `the attestation was made for other qualifying data (${extraData.length} octets) than was asked for`,
    'Certify the key anew with the nonce that was given for this request.',
  );
}

function certifiedPublicArea({ publicArea }: TpmKeyEvidence, { name }: TpmCertifyAttest): TpmPublicArea {
  if (publicArea === undefined) {
    throw attestationRefused(
      'ATTESTATION_MISSING',
      'the evidence leaves out the public area (tpmTPublic), without which nothing can be said of the certified key',
      'Send TPMT_PUBLIC of the key along.',
    );
  }
  const area = TpmPublicArea.parse(publicArea);
  if (Buffer.compare(area.name, name) === 0) return area;
  throw attestationRefused(
    'ATTESTATION_NAME_MISMATCH',
    `the TPM certified the object ${hex(name)}; the public area sent along is that of ${hex(area.name)}`,
    'Send the public area of the very key that was certified.',
  );
}

function assertRequestedKey(certifiedKey: TpmPublicArea, publicKey: PublicKey): void {
  if (certifiedKey.publicKey.equals(publicKey)) return;
  throw attestationRefused(
    'ATTESTATION_KEY_MISMATCH',
    `the attestation is for the key ${certifiedKey.publicKey.keyId}; the request is for ${publicKey.keyId}`,
    'Have the TPM certify the key of the request.',
  );
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}
