import { createHash, createHmac } from 'node:crypto';
import { hashAlgorithms, type HashAlgorithm } from './algorithms.ts';
import { TpmWriter } from './wire/tpm-writer.ts';

/**
 * KDFa (TPM 2.0 part 1, 11.4.10.2): SP 800-108 in counter mode over HMAC.
 * @param label ASCII, without the NUL that ends it.
 * @param length of the result, in bytes.
 * @returns key material; the caller wipes it.
 */
export function kdfA(
  hash: HashAlgorithm,
  key: Uint8Array,
  label: string,
  contextU: Uint8Array,
  contextV: Uint8Array,
  length: number,
): Uint8Array {
  const fixed = new TpmWriter()
    .bytes(nulTerminated(label))
    .bytes(contextU)
    .bytes(contextV)
    .u32(length * 8)
    .finish();
  return countedBlocks(hash, length, (counter) =>
    createHmac(hash, key).update(counter).update(fixed).digest(),
  );
}

/**
 * KDFe (TPM 2.0 part 1, 11.4.10.3): the concatenation KDF of SP 800-56A over a hash.
 * @param z the x-coordinate of the shared point, as long as the curve's field.
 * @param label ASCII, without the NUL that ends it.
 * @param length of the result, in bytes.
 * @returns key material; the caller wipes it.
 */
export function kdfE(
  hash: HashAlgorithm,
  z: Uint8Array,
  label: string,
  partyUInfo: Uint8Array,
  partyVInfo: Uint8Array,
  length: number,
): Uint8Array {
  const otherInfo = new TpmWriter().bytes(nulTerminated(label)).bytes(partyUInfo).bytes(partyVInfo).finish();
  return countedBlocks(hash, length, (counter) =>
    createHash(hash).update(counter).update(z).update(otherInfo).digest(),
  );
}

export function nulTerminated(label: string): Uint8Array {
  return new TextEncoder().encode(`${label}\0`);
}

function countedBlocks(
  hash: HashAlgorithm,
  length: number,
  block: (counter: Uint8Array) => Uint8Array,
): Uint8Array {
  const out = new Uint8Array(length);
  const blockBytes = hashAlgorithms[hash].bytes;
  for (let offset = 0, counter = 1; offset < length; offset += blockBytes, counter += 1) {
    const derived = block(new TpmWriter().u32(counter).finish());
    out.set(derived.subarray(0, length - offset), offset);
    derived.fill(0);
  }
  return out;
}
