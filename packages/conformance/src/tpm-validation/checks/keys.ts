import { assertGoodKey } from '@countersign/core';
import { describeError, isCountersignError } from '../../deviation.ts';
import { failure, inArea, pass, type TpmCheck, type TpmCheckContext, type TpmFinding } from '../tpm-check.ts';
import { randomPin, type FreshKey, type TrialAlgorithm } from '../trial-material.ts';

const names: Readonly<Record<TrialAlgorithm, string>> = { rsa2048: 'RSA 2048', p256: 'P-256' };

/** Made in this TPM, never to leave it, to sign whatever it is given. */
const wantedAttributes = ['fixedTPM', 'fixedParent', 'sensitiveDataOrigin', 'userWithAuth', 'sign'] as const;

export const keyChecks = inArea('keys', [
  ...makingChecks('rsa2048'),
  ...makingChecks('p256'),
  {
    id: 'keys.pin',
    title: 'it takes the PIN of a key that has one, and signs with it',
    rule: 'A key with an authValue is used by who proves it.',
    source: 'TPM 2.0 part 1, 19.6',
    expected: 'the right PIN accepted, and a signature',
    consequence: 'Keys that PINs guard, which all keys of Hello are, cannot be used.',
    run: async ({ tpm }) => {
      const pin = randomPin();
      try {
        const key = await tpm.createKey({ algorithm: 'p256', pin });
        const answer = await tpm.tryPin(key, pin);
        if (answer !== 'accepted') {
          return failure(
            answer === 'locked' ? 'the TPM is locked, and takes no PIN' : 'the right PIN was refused',
            answer === 'locked'
              ? 'No key of Hello can be used until the TPM has forgotten wrong PINs, or its administrator resets the count.'
              : 'Keys that PINs guard, which all keys of Hello are, cannot be used.',
          );
        }
        await tpm.withKey(key, async (loaded) => loaded.sign('ecdsa-sha256', pin));
        return pass('accepted, and it signs', 'Keys that PINs guard can be used.');
      } finally {
        pin.fill(0);
      }
    },
  },
]);

function makingChecks(algorithm: TrialAlgorithm): readonly Omit<TpmCheck, 'area'>[] {
  const name = names[algorithm];
  return [
    {
      id: `keys.${algorithm}`,
      title: `it makes ${name} keys as asked`,
      rule: `A key has the type and the attributes of its template: ${wantedAttributes.join(', ')}.`,
      source: 'TPM 2.0 part 1, 27.3; part 2, 8.3',
      expected: `a key of ${name} with these attributes`,
      consequence: `Keys of ${name} cannot be made.`,
      run: async ({ material }) => judgeShape(algorithm, (await material.oneKey(algorithm)).area),
    },
    {
      id: `keys.weak-${algorithm}`,
      title: `${name} keys are not weak`,
      rule:
        algorithm === 'rsa2048'
          ? 'No modulus of fresh keys has the fingerprint of ROCA, small or close factors, or shares one with another.'
          : 'Points of fresh keys lie on the curve, and no two are alike.',
      source:
        algorithm === 'rsa2048'
          ? 'CVE-2017-15361; ADV190026; FIPS 186-5 A.1; "Mining Your Ps and Qs" (USENIX Security 2012)'
          : 'SP 800-56A 5.6.2.3.3',
      expected: 'no weak key',
      consequence: `Keys of ${name} cannot be made.`,
      needs: [`keys.${algorithm}`],
      run: async (context) => judgeQuality(context, algorithm),
    },
  ];
}

function judgeShape(algorithm: TrialAlgorithm, area: FreshKey['area']): TpmFinding {
  const attributes = [...area.attributes];
  const missing = wantedAttributes.filter((attribute) => !area.attributes.has(attribute));
  const toomuch = (['restricted', 'decrypt'] as const).filter((attribute) => area.attributes.has(attribute));
  const found = `${area.publicKey.algorithm}: ${attributes.join(', ')}`;
  return area.publicKey.algorithm === algorithm && missing.length === 0 && toomuch.length === 0
    ? pass(found, 'The private key was made in the TPM, and cannot leave it.')
    : failure(
        found,
        'The TPM makes other keys than it is asked for: nothing says that their private half is safe in it.',
      );
}

async function judgeQuality(
  { material, step }: TpmCheckContext,
  algorithm: TrialAlgorithm,
): Promise<TpmFinding> {
  const keys = await material.freshKeys(algorithm, step);
  for (const { area } of keys) {
    try {
      await assertGoodKey(area.publicKey);
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      return failure(describeError(error), meaningsOfWeakness.get(error.code) ?? othersFindKeys);
    }
  }
  const ids = new Set(keys.map(({ area }) => area.publicKey.keyId));
  if (ids.size < keys.length) {
    return failure(`${keys.length - ids.size} of ${keys.length} fresh keys were made before`, othersFindKeys);
  }
  const shared = sharedFactors(keys);
  if (shared > 0) {
    return failure(
      `${shared} pairs of ${keys.length} moduli share a factor`,
      'Who has the public keys computes the private ones: the random source had too little entropy when they were made.',
    );
  }
  return pass(
    `${keys.length} fresh keys, none weak`,
    'No known flaw of key generation shows. A flaw that strikes rarely may not show in so few keys.',
  );
}

const othersFindKeys = 'Others may find the private keys of this TPM: do not use keys that it made.';

const meaningsOfWeakness: ReadonlyMap<string, string> = new Map([
  [
    'KEY_HAS_ROCA',
    'The firmware has ROCA: who has the public key computes the private one for some thousand dollars. Update the firmware, and replace every RSA key that was made with it.',
  ],
  [
    'KEY_HAS_SMALL_FACTOR',
    'A modulus that small primes divide is no RSA modulus: the key generation is broken.',
  ],
  ['KEY_HAS_CLOSE_FACTORS', 'Fermat’s method finds the factors: who has the public key has the private one.'],
]);

/** Pairs of RSA moduli with a common factor. */
function sharedFactors(keys: readonly FreshKey[]): number {
  const moduli = keys.flatMap(({ area: { publicKey } }) =>
    publicKey.rsaModulus === undefined
      ? []
      : [BigInt(`0x${Buffer.from(publicKey.rsaModulus).toString('hex')}`)],
  );
  return moduli.reduce(
    (count, modulus, index) =>
      count + moduli.slice(index + 1).filter((other) => greatestCommonDivisor(modulus, other) > 1n).length,
    0,
  );
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b);
}
