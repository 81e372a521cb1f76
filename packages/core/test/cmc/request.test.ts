import { createHash } from 'node:crypto';
import {
  CertificationRequest,
  createCmcRequest,
  parseCmcRequest,
  PublicKey,
  type KeyAlgorithm,
  type SignatureScheme,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { requestOf, setUpEnrollment } from './enrollment-fixture.ts';
import { SoftwareKey } from './software-key.ts';

test.each<[agent: KeyAlgorithm, scheme: SignatureScheme, user: KeyAlgorithm, bytes: number]>([
  ['p256', 'ecdsa-sha256', 'p256', 1600],
  ['p384', 'ecdsa-sha384', 'p521', 1850],
  ['p521', 'ecdsa-sha512', 'rsa2048', 2150],
  ['rsa2048', 'rsa-pkcs1-sha256', 'ed25519', 2000],
  ['rsa3072', 'rsa-pss-sha384', 'rsa3072', 2700],
])(
  'what an RA with a %s key (%s) countersigns in CMC for a %s key, the CA issues for',
  async (agent, scheme, user, bytes) => {
    const { ca, ra, alice, agentCertificate } = await setUpEnrollment({
      agentKey: new SoftwareKey(agent, scheme),
      aliceKey: new SoftwareKey(user),
    });
    const { der, requester } = await ra.countersign(await requestOf(alice), alice.upn, { format: 'cmc' });
    expect(requester.upn).toBe(alice.upn);
    expect(der.length).toBeLessThan(bytes);

    const parsed = parseCmcRequest(der);
    expect(parsed).toMatchObject({
      requesterName: alice.account,
      bodyPartId: 1,
      proofOfPossession: 'agent',
      attributes: [{ name: 'requestername', value: alice.account }],
    });
    // MS-WCCE 3.1.1.4.3.3.3: first the No-Signature signer, then the agent.
    expect(parsed.signers.map(({ kind }) => kind)).toEqual(['no-signature', 'certificate']);
    expect(parsed.signers[1]).toMatchObject({
      certificate: { serialNumber: agentCertificate.serialNumber },
    });

    const certificate = await ca.issue(der);
    expect(Buffer.from(certificate.publicKey.subjectPublicKeyInfo)).toEqual(Buffer.from(alice.key.publicKey));
    expect(certificate.isIssuedBy(ca.certificate)).toBe(true);
    expect(certificate.subject.toString()).toBe(alice.distinguishedName);
  },
);

test('the RA keeps nothing of the client request but its public key', async () => {
  const { ra, alice } = await setUpEnrollment();
  const { der } = await ra.countersign(await requestOf(alice), alice.upn, { format: 'cmc' });
  const { request } = parseCmcRequest(der);
  expect(request.subject.isEmpty).toBe(true);
  expect(request.userPrincipalNames).toEqual([]);
  expect(request.extensionRequests.map(({ oid }) => oid)).toEqual(['2.5.29.14']);
  expect(Buffer.from(request.publicKey.subjectPublicKeyInfo)).toEqual(Buffer.from(alice.key.publicKey));
  expect(Buffer.from(der).includes('What the client calls itself')).toBe(false);
});

test('in place of a signature stands the bare hash algorithm and the hash of the request', async () => {
  const { ra, alice } = await setUpEnrollment();
  const { der } = await ra.countersign(await requestOf(alice), alice.upn, { format: 'cmc' });
  const { request } = parseCmcRequest(der);
  const hash = createHash('sha256').update(request.certificationRequestInfo).digest();
  const expected = Buffer.concat([
    Buffer.from('300b0609608648016503040201', 'hex'),
    Buffer.from('032100', 'hex'),
    hash,
  ]);
  expect(Buffer.from(request.der).subarray(-expected.length)).toEqual(expected);
});

test('two requests for the same key differ in transaction and nonce', async () => {
  const { ra, alice } = await setUpEnrollment();
  const countersign = async (): Promise<ReturnType<typeof parseCmcRequest>> =>
    parseCmcRequest((await ra.countersign(await requestOf(alice), alice.upn, { format: 'cmc' })).der);
  const [one, other] = [await countersign(), await countersign()];
  expect(one.senderNonce).toHaveLength(16);
  expect(one.transactionId?.length).toBeGreaterThan(8);
  expect(one.senderNonce).not.toEqual(other.senderNonce);
  expect(one.transactionId).not.toEqual(other.transactionId);
});

test('request attributes stand beside the requester', async () => {
  const { agentKey, agentCertificate, alice } = await setUpEnrollment();
  const der = await createCmcRequest(
    agentKey,
    'ecdsa-sha256',
    agentCertificate,
    PublicKey.parse(alice.key.publicKey),
    alice.account,
    { attributes: [{ name: 'CertificateTemplate', value: 'WHFBEnrollment' }] },
  );
  expect(parseCmcRequest(der).attributes).toEqual([
    { name: 'requestername', value: alice.account },
    { name: 'CertificateTemplate', value: 'WHFBEnrollment' },
  ]);
});

test('the cms format is what comes of no choice, with the client request whole', async () => {
  const { ca, ra, alice } = await setUpEnrollment();
  const request = await requestOf(alice);
  const { der } = await ra.countersign(request, alice.upn);
  expect(Buffer.from(der).includes(Buffer.from(CertificationRequest.parse(request).der))).toBe(true);
  expect(Buffer.from((await ca.issue(der)).publicKey.subjectPublicKeyInfo)).toEqual(
    Buffer.from(alice.key.publicKey),
  );
});
