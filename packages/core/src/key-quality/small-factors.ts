/** The primes below 752, as Boulder tries them. */
export const smallPrimes: readonly number[] = primesBelow(752);

/** @returns a prime below 752 that divides the modulus, if there is one */
export function smallFactorOf(modulus: bigint): number | undefined {
  const residues = residuesOf(modulus);
  return smallPrimes.find((_, i) => residues[i] === 0);
}

/** The modulus modulo each of `smallPrimes`, in their order. */
export function residuesOf(modulus: bigint): number[] {
  return groups.flatMap(({ primes, product }) => {
    // One division of the long number serves several primes; the rest is exact in a double.
    const rest = Number(modulus % product);
    return primes.map((prime) => rest % prime);
  });
}

/** Neighbouring primes whose product stays below 2^53. */
const groups = groupedBelow(2 ** 53, smallPrimes);

function groupedBelow(
  limit: number,
  primes: readonly number[],
): { readonly primes: number[]; readonly product: bigint }[] {
  const collected: { primes: number[]; product: number }[] = [];
  for (const prime of primes) {
    const last = collected.at(-1);
    if (last === undefined || last.product * prime >= limit)
      collected.push({ primes: [prime], product: prime });
    else {
      last.primes.push(prime);
      last.product *= prime;
    }
  }
  return collected.map(({ primes: group, product }) => ({ primes: group, product: BigInt(product) }));
}

function primesBelow(limit: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; candidate < limit; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}
