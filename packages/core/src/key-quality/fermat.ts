import { integerSquareRoot } from './integer-square-root.ts';

/** Boulder's number of rounds: factors that differ in their lower half by chance are far out of reach. */
const rounds = 110;

/**
 * Whether Fermat's method factors an odd modulus within 110 rounds: N = a² - b² with a just above the root of N, which
 * means that its two factors lie close together.
 */
export function hasCloseFactors(modulus: bigint): boolean {
  let a = integerSquareRoot(modulus);
  if (a * a === modulus) return true;
  for (let round = 0; round < rounds; round++) {
    a++;
    if (isSquare(a * a - modulus)) return true;
  }
  return false;
}

function isSquare(value: bigint): boolean {
  // Squares have few residues: these two tests let one value in fifty pass, and only those pay for a root.
  if (!squaresModulo64.has(Number(value & 63n)) || !squaresModulo45045.has(Number(value % 45045n)))
    return false;
  const root = integerSquareRoot(value);
  return root * root === value;
}

const squaresModulo64 = squaresModulo(64);
/** 45045 is 3² · 5 · 7 · 11 · 13. */
const squaresModulo45045 = squaresModulo(45045);

function squaresModulo(modulus: number): ReadonlySet<number> {
  return new Set(Array.from({ length: modulus }, (_, i) => (i * i) % modulus));
}
