import type { PublicKey } from '@countersign/core';
import { DerReader } from '@countersign/core/asn1';
import { describeError } from './deviation.ts';

/** @throws CountersignError `DER_MALFORMED` unless it is an ECDSA-Sig-Value (RFC 3279 2.2.3) in strict DER */
export function readEcdsaValue(signature: Uint8Array): { readonly r: bigint; readonly s: bigint } {
  const reader = DerReader.sequence(signature, 'ECDSA signature');
  const [r, s] = [toBigInt(reader.unsignedInteger()), toBigInt(reader.unsignedInteger())];
  reader.end();
  return { r, s };
}

/** What is wrong with an ECDSA signature's form, or undefined. */
export function ecdsaValueDefect(signature: Uint8Array, { curve }: PublicKey): string | undefined {
  if (curve === undefined) return 'a key on no curve';
  try {
    const { r, s } = readEcdsaValue(signature);
    // FIPS 186-5 6.4.2, step 1.
    if (r <= 0n || s <= 0n || r >= curve.n || s >= curve.n) return 'r or s out of the range from 1 to n - 1';
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

function toBigInt(octets: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(octets).toString('hex')}`);
}
