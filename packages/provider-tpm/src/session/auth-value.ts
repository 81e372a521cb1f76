import { timingSafeEqual } from 'node:crypto';

/** Trailing zeros are no part of an authValue: the TPM removes them, so keys are derived without (TPM 2.0 part 1, 19.6). */
export function stripTrailingZeros(authValue: Uint8Array): Uint8Array {
  let length = authValue.length;
  while (length > 0 && authValue[length - 1] === 0) length -= 1;
  return authValue.subarray(0, length);
}

export function equalInConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
