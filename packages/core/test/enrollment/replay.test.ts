import { createCertificationRequest, MemoryLedger, CertificationAuthority } from '@countersign/core';
import { expect, test } from 'vitest';
import {
  forgeCountersignature,
  mirroredSignature,
  sha256WithNull,
  type Forgery,
} from './countersignature-forger.ts';
import { hex } from './der.ts';
import { alice, countersignForAlice, createEnrollment, now, type Enrollment } from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';
import { refusedByCa } from './refused-by-ca.ts';

test('a countersigned request leads to one certificate', async () => {
  const enrollment = await createEnrollment();
  const countersigned = await countersignForAlice(enrollment);
  await enrollment.ca.issue(countersigned);
  const error = await refusedByCa(enrollment, countersigned);
  expect([error.code, error.adcs]).toEqual(['REQUEST_REPLAYED', undefined]);
});

test('handed in a hundred times at once, it leads to one certificate', async () => {
  const enrollment = await createEnrollment();
  const { ca, ledger } = enrollment;
  const countersigned = await countersignForAlice(enrollment);
  const results = await Promise.allSettled(Array.from({ length: 100 }, async () => ca.issue(countersigned)));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const result of results) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'REQUEST_REPLAYED' });
  }
  expect(ledger.recorded).toHaveLength(2);
  expect((await ledger.audit()).filter(({ event }) => event === 'request-refused')).toHaveLength(99);
});

test('fifty requests at once get fifty serial numbers', async () => {
  const enrollment = await createEnrollment();
  const { ca } = enrollment;
  const requests = await Promise.all(Array.from({ length: 50 }, async () => countersignForAlice(enrollment)));
  const certificates = await Promise.all(requests.map(async (request) => ca.issue(request)));
  const serialNumbers = certificates.map(({ serialNumber }) => serialNumber);
  expect(new Set(serialNumbers).size).toBe(50);
  for (const certificate of certificates) {
    expect(certificate.serialNumberOctets).toHaveLength(18);
    expect(certificate.isIssuedBy(ca.certificate)).toBe(true);
    const entry = await enrollment.ledger.find(certificate.serialNumber);
    expect(hex(entry?.certificate)).toBe(hex(certificate.der));
  }
});

/** What somebody without any key can make of a countersigned request that they saw: its signature still holds. */
const rewritten: readonly [name: string, forgery: (enrollment: Enrollment) => Partial<Forgery>][] = [
  ['with the other ECDSA signature (r, n - s)', () => ({ signature: mirroredSignature })],
  ['with NULL parameters in the digest algorithm', () => ({ digestAlgorithm: sha256WithNull })],
  [
    'with the certificate of the CA beside that of the agent',
    ({ agentCertificate, ca }) => ({ certificates: [agentCertificate.der, ca.certificate.der] }),
  ],
];

test.each(rewritten)('a countersigned request %s is the same request', async (_, change) => {
  const enrollment = await createEnrollment();
  const { agentKey, agentCertificate, aliceKey, ca, ledger } = enrollment;
  const seen: Uint8Array[] = [];
  const content = await createCertificationRequest(aliceKey);
  const right: Forgery = { key: agentKey, certificate: agentCertificate, content };
  const first = await forgeCountersignature({
    ...right,
    signature: (signature) => {
      seen.push(signature);
      return signature;
    },
  });
  // The same signature, as whoever saw the message has it, before it is rewritten.
  const [signature = new Uint8Array()] = seen;
  const key = { ...agentKey, sign: async () => Promise.resolve(signature) };
  const second = await forgeCountersignature({ ...right, key, ...change(enrollment) });
  expect(hex(second)).not.toBe(hex(first));

  // By itself the second is good: another CA, which has not seen the first, answers it.
  const elsewhere = new CertificationAuthority({
    ...enrollment.caOptions,
    ledger: await copyOfAgent(enrollment),
  });
  await elsewhere.issue(second);

  const certificate = await ca.issue(first);
  await ca.revoke(certificate.serialNumber, 'keyCompromise');
  const error = await refusedByCa({ ca, ledger }, second);
  expect(error.code).toBe('REQUEST_REPLAYED');
});

test('a request that the agent countersigns anew, as for a renewal of the same key, is answered anew', async () => {
  // An Ed25519 signature is the same every time, and so is a request made with it.
  const { ca, ra, aliceKey } = await createEnrollment({ user: 'ed25519' });
  const request = await createCertificationRequest(aliceKey);
  expect(hex(await createCertificationRequest(aliceKey))).toBe(hex(request));
  const first = await ca.issue((await ra.countersign(request, alice.upn)).der);
  const second = await ca.issue((await ra.countersign(request, alice.upn)).der);
  expect(second.serialNumber).not.toBe(first.serialNumber);
});

test('where every signature is the same each time, the time of signing tells a renewal from a replay', async () => {
  const enrollment = await createEnrollment({ user: 'rsa2048', agent: 'rsa2048' });
  const { ca, ra, aliceKey, clock } = enrollment;
  const request = await createCertificationRequest(aliceKey);
  const first = (await ra.countersign(request, alice.upn)).der;
  expect(hex((await ra.countersign(request, alice.upn)).der)).toBe(hex(first));
  await ca.issue(first);
  clock.now = new Date(now.getTime() + 1000);
  await ca.issue((await ra.countersign(request, alice.upn)).der);
  expect((await refusedByCa(enrollment, first)).code).toBe('REQUEST_REPLAYED');
});

test('an order to the operator leads to one certificate for one request', async () => {
  const { ca, ledger, aliceKey } = await createEnrollment();
  const request = await createCertificationRequest(aliceKey);
  const order = { profile: 'kdc', realm: 'CONTOSO.EXAMPLE', hostName: 'dc1.contoso.example' } as const;
  await ca.issueForOperator(request, order);
  const error = await refusal(async () => ca.issueForOperator(request, order));
  expect(error.code).toBe('REQUEST_REPLAYED');
  expect(ledger.recorded).toHaveLength(2);
});

test('a refused request may come again once what stood in its way is gone', async () => {
  const enrollment = await createEnrollment();
  const { ca, clock } = enrollment;
  const countersigned = await countersignForAlice(enrollment);
  clock.now = new Date(0);
  expect((await refusedByCa(enrollment, countersigned)).code).toBe('CERTIFICATE_NOT_YET_VALID');
  clock.now = now;
  expect((await ca.issue(countersigned)).subject.toString()).toBe(alice.distinguishedName);
});

/** A ledger that knows the agent's certificate and nothing else. */
async function copyOfAgent({ ledger, agentCertificate }: Enrollment): Promise<MemoryLedger> {
  const [reservation] = ledger.reservations;
  if (reservation === undefined) throw new Error('the agent was not issued a certificate');
  const copy = new MemoryLedger();
  await copy.reserve(reservation);
  await copy.record(agentCertificate.serialNumber, agentCertificate.der);
  return copy;
}
