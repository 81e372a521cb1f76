import {
  CountersignError,
  parseTpmAttest,
  TpmPublicArea,
  verifyAttestSignature,
  type TpmKeyEvidence,
} from '@countersign/core';
import { certify } from '../session/commands/attestation.ts';
import type { SessionPool } from '../session/session-pool.ts';
import { attestationScheme } from './attestation-key.ts';
import { assertNonce, encodeSignature, type LoadedKey } from './signed-attestation.ts';

export interface EvidenceSources {
  /** The key that the request is for, authorized by the user's PIN. */
  readonly key: LoadedKey;
  readonly attestationKey: LoadedKey;
  /** What the verifier gave for this request, 1 to 66 octets; TPMs without SHA-512 take fewer. */
  readonly nonce: Uint8Array;
  /**
   * The attestation key's certificate and those above it, DER. None if the verifier knows the attestation key because it
   * answered a challenge.
   */
  readonly certificates?: readonly Uint8Array[];
}

/**
 * Has the TPM certify a key for a request: TPM2_Certify, and what a verifier wants beside it. The result goes into the
 * request with `tpmKeyEvidenceAttribute`.
 * @throws CountersignError `VALUE_OUT_OF_RANGE` for the nonce, `ATTESTATION_ATTRIBUTES_REFUSED` if the attestation key is
 *   none, `ATTESTATION_NAME_MISMATCH` if a public area is not that of the key it comes with; what the TPM refuses, such as
 *   a wrong PIN
 */
export async function collectEvidence(
  pool: SessionPool,
  { key, attestationKey, nonce, certificates = [] }: EvidenceSources,
): Promise<TpmKeyEvidence> {
  assertNonce(nonce);
  const publicArea = ownPublicArea(key, 'key to be certified');
  const signer = ownPublicArea(attestationKey, 'attestation key');
  const scheme = attestationScheme(attestationKey.publicArea);
  const certified = await certify(pool, key, attestationKey, nonce, scheme);
  const signature = encodeSignature(certified.signature);
  // The verifier would refuse it: a TPM that signs in its own way is told apart from a request that was altered.
  verifyAttestSignature(parseTpmAttest(certified.attest), signature, {
    publicKey: signer.publicKey,
    publicArea: signer,
  });
  return { attest: certified.attest, signature, publicArea: publicArea.bytes, certificates };
}

/** The TPM works on what has this Name; the verifier gets the public area. */
function ownPublicArea({ publicArea, name }: LoadedKey, role: string): TpmPublicArea {
  const area = TpmPublicArea.parse(publicArea);
  if (Buffer.compare(area.name, name) === 0) return area;
  throw new CountersignError(
    'ATTESTATION_NAME_MISMATCH',
    `the ${role} has the Name ${hex(name)}; the public area that was given is that of ${hex(area.name)}`,
    'Give handle, Name and public area of one and the same key.',
    { adcs: 'CERTSRV_E_KEY_ATTESTATION' },
  );
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}
