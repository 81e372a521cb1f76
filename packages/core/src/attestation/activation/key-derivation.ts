import { createHash, createHmac } from 'node:crypto';
import { hashBytes, type HashAlgorithm } from '../../keys/signature-algorithm.ts';
import { concat, uint32 } from '../tpm/tpm-writer.ts';

/** A label of TPM key derivation, with the NUL that counts as part of it (TPM 2.0 part 1, B.4, C.6.1). */
export function label(text: string): Uint8Array {
  return Buffer.from(`${text}\0`, 'latin1');
}

/** KDFa (TPM 2.0 part 1, 11.4.10.2): SP 800-108 in counter mode with HMAC. @returns `bits / 8` octets */
export function kdfa(
  hash: HashAlgorithm,
  key: Uint8Array,
  use: string,
  contextU: Uint8Array,
  contextV: Uint8Array,
  bits: number,
): Uint8Array {
  const suffix = concat(label(use), contextU, contextV, uint32(bits));
  return derive(hash, bits, (counter) => createHmac(hash, key).update(counter).update(suffix).digest());
}

/** KDFe (TPM 2.0 part 1, 11.4.10.3): the one-step derivation of SP 800-56A. @returns `bits / 8` octets */
export function kdfe(
  hash: HashAlgorithm,
  z: Uint8Array,
  use: string,
  partyU: Uint8Array,
  partyV: Uint8Array,
  bits: number,
): Uint8Array {
  const suffix = concat(label(use), partyU, partyV);
  return derive(hash, bits, (counter) => createHash(hash).update(counter).update(z).update(suffix).digest());
}

function derive(hash: HashAlgorithm, bits: number, block: (counter: Uint8Array) => Buffer): Uint8Array {
  const derived = new Uint8Array(bits / 8);
  for (let at = 0, counter = 1; at < derived.length; at += hashBytes[hash], counter++) {
    const octets = block(uint32(counter));
    derived.set(octets.subarray(0, derived.length - at), at);
    octets.fill(0);
  }
  return derived;
}
