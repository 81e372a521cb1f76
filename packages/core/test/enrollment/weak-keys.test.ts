import { createPrivateKey, createPublicKey, generatePrimeSync, sign } from 'node:crypto';
import {
  CertificationAuthority,
  CertificationRequest,
  createCertificationRequest,
  createCountersignedRequest,
  PublicKey,
  RegistrationAuthority,
  type Key,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { alice, countersignForAlice, createEnrollment } from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';
import { refusedByCa } from './refused-by-ca.ts';

test('a key that others can factor is not vouched for, though it be registered and its owner hold it', async () => {
  const { ra, directory } = await createEnrollment();
  const key = keyWithCloseFactors();
  directory.setKeys(alice.upn, key);
  const request = await createCertificationRequest(key);
  CertificationRequest.parse(request).verifyProofOfPossession();
  expect((await refusal(() => ra.countersign(request, alice.upn))).code).toBe('KEY_HAS_CLOSE_FACTORS');
});

test('nor is it certified, though an agent vouch for it', async () => {
  const enrollment = await createEnrollment();
  const { agentKey, agentCertificate } = enrollment;
  const request = CertificationRequest.parse(await createCertificationRequest(keyWithCloseFactors()));
  const scheme = 'ecdsa-sha256';
  const der = await createCountersignedRequest(agentKey, scheme, agentCertificate, request, alice.account);
  const error = await refusedByCa(enrollment, der);
  expect(error).toMatchObject({ code: 'KEY_HAS_CLOSE_FACTORS', adcs: { symbol: 'CERTSRV_E_KEY_LENGTH' } });
});

test('nor on the word of the operator', async () => {
  const { ca, ledger } = await createEnrollment();
  const request = await createCertificationRequest(keyWithCloseFactors());
  const order = { profile: 'kdc', realm: 'CONTOSO.EXAMPLE', hostName: 'dc1.contoso.example' } as const;
  const reserved = ledger.reservations.length;
  expect((await refusal(() => ca.issueForOperator(request, order))).code).toBe('KEY_HAS_CLOSE_FACTORS');
  expect(ledger.reservations).toHaveLength(reserved);
});

test('a policy of the RA blocks keys', async () => {
  const { agentKey, agentCertificate, directory, clock, aliceKey } = await createEnrollment();
  const { keyId } = PublicKey.parse(aliceKey.publicKey);
  const ra = new RegistrationAuthority({
    key: agentKey,
    certificate: agentCertificate,
    directory,
    clock: () => clock.now,
    keyPolicy: { isBlocked: (id) => id === keyId },
  });
  const request = await createCertificationRequest(aliceKey);
  expect((await refusal(() => ra.countersign(request, alice.upn))).code).toBe('KEY_BLOCKED');
});

test('a policy of the CA leaves out algorithms', async () => {
  const enrollment = await createEnrollment();
  const ca = new CertificationAuthority({
    ...enrollment.caOptions,
    keyPolicy: { algorithms: ['p384', 'rsa3072'] },
  });
  const error = await refusedByCa({ ca, ledger: enrollment.ledger }, await countersignForAlice(enrollment));
  expect(error.code).toBe('KEY_NOT_ACCEPTABLE');
});

/** RSA-2048 whose factors are a prime and the next one: it signs and verifies like any other. */
function keyWithCloseFactors(): Key {
  const p = largePrime();
  let q = p + 2n;
  while (!isProbablePrime(q)) q += 2n;
  const e = 65537n;
  const d = inverse(e, (p - 1n) * (q - 1n));
  const jwk = {
    kty: 'RSA',
    ...octetsOf({ n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }),
  };
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    ref: 'test:weak',
    label: 'weak',
    algorithm: 'rsa2048',
    publicKey: Uint8Array.from(publicKey),
    schemes: ['rsa-pkcs1-sha256'],
    sign: (_, message) => Promise.resolve(Uint8Array.from(sign('sha256', message, privateKey))),
  };
}

/** 1024 bits, the two highest set; 65537 does not divide the number before it. */
function largePrime(): bigint {
  for (;;) {
    const prime = generatePrimeSync(1024, { bigint: true });
    if (prime >> 1022n === 3n && prime % 65537n !== 1n) return prime;
  }
}

/** Fermat's test to the base 2 is enough to find a neighbour. */
function isProbablePrime(n: bigint): boolean {
  if ([3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n].some((prime) => n % prime === 0n)) return false;
  let result = 1n;
  for (const bit of (n - 1n).toString(2)) result = (result * result * (bit === '1' ? 2n : 1n)) % n;
  return result === 1n;
}

/** Euclid's extended algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [r, nextR, s, nextS] = [modulus, value % modulus, 0n, 1n];
  while (nextR !== 0n) {
    const quotient = r / nextR;
    [r, nextR, s, nextS] = [nextR, r - quotient * nextR, nextS, s - quotient * nextS];
  }
  return ((s % modulus) + modulus) % modulus;
}

function octetsOf(numbers: Readonly<Record<string, bigint>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, number]) => {
      const hex = number.toString(16);
      const octets = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
      return [name, octets.toString('base64url')];
    }),
  );
}
