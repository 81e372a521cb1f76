import type { CountersignError } from '../errors.ts';
import type { AttestationKey } from './attestation-key.ts';
import { attestationRefused } from './refusal.ts';
import type { TpmAttest } from './tpm/attest.ts';
import { isTpmSignatureValid, parseTpmSignature, type TpmSignature } from './tpm/signature.ts';

/**
 * Verifies a signature over TPMS_ATTEST, of a quote too.
 * @param signature TPMT_SIGNATURE, marshalled; or an RSASSA-PKCS1-v1_5 value alone
 * @throws CountersignError `ATTESTATION_SIGNATURE_INVALID`, `ATTESTATION_ALGORITHM_REFUSED`, `ATTESTATION_MALFORMED`
 */
export function verifyAttestSignature(
  attest: TpmAttest,
  signature: Uint8Array,
  { publicKey, publicArea }: Pick<AttestationKey, 'publicKey' | 'publicArea'>,
): void {
  const candidates = readSignature(signature, publicKey.rsaModulusBytes);
  const scheme = publicArea?.scheme;
  const isValid = candidates.some(
    (candidate) =>
      // A TPM signs with the scheme in the key's public area if there is one, as there is in a restricted key.
      (scheme === undefined || isOfScheme(candidate, scheme)) &&
      isTpmSignatureValid(publicKey, candidate, attest.bytes),
  );
  if (!isValid) throw invalid(publicKey.keyId);
}

function isOfScheme(signature: TpmSignature, scheme: { algorithm: string; hash?: string }): boolean {
  return signature.scheme === scheme.algorithm && signature.hash === scheme.hash;
}

/**
 * TPMT_SIGNATURE of RSA is six octets longer than the modulus, so that the two forms cannot be taken for one another. The
 * form without a head does not name its hash: the few that are accepted are tried.
 */
function readSignature(signature: Uint8Array, rsaModulusBytes: number | undefined): readonly TpmSignature[] {
  if (signature.length !== rsaModulusBytes) return [parseTpmSignature(signature)];
  return (['sha256', 'sha384', 'sha512'] as const).map((hash) => ({ scheme: 'rsassa', hash, signature }));
}

function invalid(keyId: string): CountersignError {
  return attestationRefused(
    'ATTESTATION_SIGNATURE_INVALID',
    `the signature on the attestation was not made by the attestation key ${keyId}, or the attestation was altered`,
    'Send the signature as the TPM returned it, with the attestation key it was made with.',
  );
}
