import { checkPrimeSync, generatePrimeSync } from 'node:crypto';
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
import { handmadeRsaKey } from '../keys/handmade-rsa-key.ts';
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
  while (!checkPrimeSync(q)) q += 2n;
  return handmadeRsaKey([p, q]);
}

/** 1024 bits, the two highest set; 65537 does not divide the number before it. */
function largePrime(): bigint {
  for (;;) {
    const prime = generatePrimeSync(1024, { bigint: true });
    if (prime >> 1022n === 3n && prime % 65537n !== 1n) return prime;
  }
}
