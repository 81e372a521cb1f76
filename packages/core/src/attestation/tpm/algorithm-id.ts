import type { CountersignError } from '../../errors.ts';
import type { HashAlgorithm } from '../../keys/signature-algorithm.ts';
import { attestationRefused } from '../refusal.ts';

/** TPM_ALG_ID (TPM 2.0 part 2, 6.3), as far as it is met in keys and signatures. */
export const algorithmIds = {
  rsa: 0x0001,
  aes: 0x0006,
  keyedHash: 0x0008,
  sha256: 0x000b,
  sha384: 0x000c,
  sha512: 0x000d,
  null: 0x0010,
  rsassa: 0x0014,
  rsaes: 0x0015,
  rsapss: 0x0016,
  oaep: 0x0017,
  ecdsa: 0x0018,
  ecdh: 0x0019,
  ecc: 0x0023,
  symCipher: 0x0025,
  cfb: 0x0043,
} as const;

const hashes = ['sha256', 'sha384', 'sha512'] as const;

/** The hash that an identifier names. SHA-1 is refused like any other: a Name made with it can be forged. */
export function hashOf(id: number, place: string): HashAlgorithm {
  const hash = hashes.find((name) => algorithmIds[name] === id);
  if (hash === undefined) throw algorithmRefused(id, place, 'SHA-256, SHA-384 or SHA-512');
  return hash;
}

export function algorithmRefused(id: number, place: string, expected: string): CountersignError {
  return attestationRefused(
    'ATTESTATION_ALGORITHM_REFUSED',
    `${place} is TPM algorithm 0x${id.toString(16).padStart(4, '0')}; expected ${expected}`,
    'Make the key in the TPM with an algorithm that is accepted.',
  );
}
