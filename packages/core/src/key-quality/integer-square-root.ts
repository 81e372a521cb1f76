/** The largest integer whose square is not above `value` (Newton's method). @param value not negative */
export function integerSquareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  // From above the root, every step comes closer without passing it, and the first that does not is there.
  let root = firstGuess(value);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Not below the root, and right in its first fifty bits, so that a handful of steps do. */
function firstGuess(value: bigint): bigint {
  const bits = value.toString(16).length * 4;
  const shift = BigInt(Math.max(0, bits - 104) & ~1);
  const leading = BigInt(Math.ceil(Math.sqrt(Number((value >> shift) + 1n)) * (1 + 2 ** -50)) + 1);
  return leading << (shift / 2n);
}
