import { X509Certificate } from 'node:crypto';
import {
  CertificationAuthority,
  createCertificationRequest,
  schemesOf,
  verifyAuditChain,
  type Key,
  type KeyAlgorithm,
  type SignatureScheme,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { alice, countersignForAlice, createEnrollment, now } from './enrollment-fixture.ts';
import { hex } from './der.ts';

interface Combination {
  readonly ca: KeyAlgorithm;
  readonly caScheme?: SignatureScheme;
  readonly agent: KeyAlgorithm;
  readonly agentScheme?: SignatureScheme;
  readonly user: KeyAlgorithm;
}

test.each<Combination>([
  { ca: 'p256', agent: 'p256', user: 'p256' },
  { ca: 'p384', agent: 'p384', user: 'p384' },
  { ca: 'p521', agent: 'p521', user: 'p521' },
  { ca: 'p256', agent: 'p384', user: 'ed25519' },
  { ca: 'ed25519', agent: 'p256', user: 'p256' },
  { ca: 'rsa2048', agent: 'rsa2048', user: 'rsa2048' },
  { ca: 'rsa3072', agent: 'rsa2048', user: 'rsa3072' },
  { ca: 'p256', agent: 'rsa3072', user: 'ed25519' },
  { ca: 'rsa2048', agent: 'p521', user: 'rsa2048' },
  { ca: 'p384', caScheme: 'ecdsa-sha512', agent: 'p256', agentScheme: 'ecdsa-sha384', user: 'p521' },
  {
    ca: 'rsa2048',
    caScheme: 'rsa-pss-sha256',
    agent: 'rsa3072',
    agentScheme: 'rsa-pss-sha384',
    user: 'rsa2048',
  },
  {
    ca: 'rsa3072',
    caScheme: 'rsa-pss-sha512',
    agent: 'rsa2048',
    agentScheme: 'rsa-pss-sha512',
    user: 'p256',
  },
  {
    ca: 'rsa2048',
    caScheme: 'rsa-pkcs1-sha512',
    agent: 'rsa2048',
    agentScheme: 'rsa-pkcs1-sha384',
    user: 'p384',
  },
])('CA $ca $caScheme, agent $agent $agentScheme: a $user key is certified', async (combination) => {
  const { ca, ra, aliceKey, ledger } = await createEnrollment(combination);
  const request = await createCertificationRequest(aliceKey);
  const countersigned = await ra.countersign(request, 'Alice@CONTOSO.example');
  expect(countersigned.requester.account).toBe(alice.account);
  const certificate = await ca.issue(countersigned.der);

  expect(hex(certificate.publicKey.subjectPublicKeyInfo)).toBe(hex(aliceKey.publicKey));
  const issued = new X509Certificate(certificate.der);
  const issuer = new X509Certificate(ca.certificate.der);
  expect(issued.checkIssued(issuer)).toBe(true);
  expect(issued.verify(issuer.publicKey)).toBe(true);
  expect(issuer.verify(issuer.publicKey)).toBe(true);
  expect(hex((await ledger.find(certificate.serialNumber))?.certificate)).toBe(hex(certificate.der));
});

test.each<[KeyAlgorithm]>([['rsa2048'], ['p384']])(
  'a request signed with any scheme of %s is countersigned and answered',
  async (user) => {
    const enrollment = await createEnrollment({ user });
    for (const scheme of schemesOf(user)) {
      const countersigned = await countersignForAlice(enrollment, { scheme });
      const certificate = await enrollment.ca.issue(countersigned);
      expect(hex(certificate.publicKey.subjectPublicKeyInfo)).toBe(hex(enrollment.aliceKey.publicKey));
    }
    expect(enrollment.ledger.recorded).toHaveLength(1 + schemesOf(user).length);
  },
);

test('the ledger holds what was issued, for whom, by whose approval, and what exactly was signed', async () => {
  const enrollment = await createEnrollment();
  const { agentCertificate, ca, ledger } = enrollment;
  const certificate = await ca.issue(await countersignForAlice(enrollment));
  const entry = await ledger.find(certificate.serialNumber);
  expect(entry).toMatchObject({
    serialNumber: certificate.serialNumber,
    profile: 'hello-logon',
    subject: 'CONTOSO\\alice',
    agentSerialNumber: agentCertificate.serialNumber,
    notAfter: certificate.notAfter,
    reservedAt: now,
    revocation: undefined,
  });
  expect(hex(entry?.tbsCertificate)).toBe(hex(certificate.tbsCertificate));
  expect(hex(entry?.certificate)).toBe(hex(certificate.der));

  const agentEntry = await ledger.find(agentCertificate.serialNumber);
  expect(agentEntry).toMatchObject({ profile: 'enrollment-agent', agentSerialNumber: undefined });
  expect(agentEntry?.subject).toBe(agentCertificate.subject.toString());
});

test('the audit trail tells of both certificates and who approved them, in an unbroken chain', async () => {
  const enrollment = await createEnrollment();
  const { agentCertificate, ca, ledger } = enrollment;
  const certificate = await ca.issue(await countersignForAlice(enrollment));
  const records = await ledger.audit();
  expect(records).toMatchObject([
    {
      number: 1,
      at: now,
      event: 'certificate-issued',
      details: {
        serialNumber: agentCertificate.serialNumber,
        profile: 'enrollment-agent',
        approvedBy: 'operator',
      },
    },
    {
      number: 2,
      at: now,
      event: 'certificate-issued',
      details: {
        serialNumber: certificate.serialNumber,
        profile: 'hello-logon',
        subject: 'CONTOSO\\alice',
        approvedBy: agentCertificate.serialNumber,
      },
    },
  ]);
  expect(await verifyAuditChain(ledger.readAudit())).toEqual({ count: 2, headHash: records[1]?.hash });
});

test('the ledger has the reservation before the key signs, and the record before the caller has it', async () => {
  const enrollment = await createEnrollment();
  const { caKey, caOptions, ledger } = enrollment;
  const states: unknown[] = [];
  const key: Key = {
    ...caKey,
    sign: async (scheme, message) => {
      states.push([ledger.reservations.length, ledger.recorded.length]);
      expect(hex(ledger.reservations.at(-1)?.tbsCertificate)).toBe(hex(message));
      return caKey.sign(scheme, message);
    },
  };
  await new CertificationAuthority({ ...caOptions, key }).issue(await countersignForAlice(enrollment));
  // One of each was there before: the agent's.
  expect(states).toEqual([[2, 1]]);
  expect([ledger.reservations.length, ledger.recorded.length]).toEqual([2, 2]);
});
