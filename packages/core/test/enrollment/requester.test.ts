import {
  CertificationAuthority,
  CertificationRequest,
  createCertificationRequest,
  createCountersignedRequest,
  Name,
  parseCountersignedRequest,
  parseNtdsCaSecurityExtension,
  RegistrationAuthority,
  subjectAltName,
  userPrincipalName,
  type CountersignError,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { hex, octets, oid, sequence } from './der.ts';
import {
  alice,
  bob,
  countersignForAlice,
  createEnrollment,
  MemoryDirectory,
  type Enrollment,
} from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';
import { refusedByCa } from './refused-by-ca.ts';
import { softwareKey } from './software-key.ts';

const badSubject = { symbol: 'CERTSRV_E_BAD_REQUESTSUBJECT', hresult: 0x80094001 };
const noSuchUser = { symbol: 'ERROR_NO_SUCH_USER', hresult: 0x80070525 };

function expectRefusal(error: CountersignError, code: string, adcs: unknown): void {
  expect({ code: error.code, adcs: error.adcs }).toEqual({ code, adcs });
  expect(error.hint).not.toBe('');
}

test('the RA refuses a key that nobody registered, and says which key it is', async () => {
  const { ra } = await createEnrollment();
  const stranger = await softwareKey('p256');
  const request = await createCertificationRequest(stranger);
  const error = await refusal(async () => ra.countersign(request, alice.upn));
  expectRefusal(error, 'KEY_NOT_REGISTERED', badSubject);
  expect(error.message).toContain(CertificationRequest.parse(request).publicKey.keyId);
});

test('the RA refuses a registered key of which the request proves no possession', async () => {
  const { ra, aliceKey } = await createEnrollment();
  const stranger = await softwareKey('p256');
  const request = await createCertificationRequest({ ...stranger, publicKey: aliceKey.publicKey });
  const error = await refusal(async () => ra.countersign(request, alice.upn));
  expectRefusal(error, 'PROOF_OF_POSSESSION_INVALID', { symbol: 'NTE_BAD_SIGNATURE', hresult: 0x80090006 });
});

test('the RA refuses a key that another user registered', async () => {
  const { ra, directory } = await createEnrollment();
  const bobsKey = await softwareKey('p256');
  directory.setKeys(bob.upn, bobsKey);
  const request = await createCertificationRequest(bobsKey);
  const error = await refusal(async () => ra.countersign(request, alice.upn));
  expectRefusal(error, 'KEY_NOT_REGISTERED', badSubject);
  expect((await ra.countersign(request, bob.upn)).requester.account).toBe(bob.account);
});

test('the RA refuses a key that the user has replaced, and takes each of several', async () => {
  const enrollment = await createEnrollment();
  const { ra, directory, aliceKey } = enrollment;
  const request = await createCertificationRequest(aliceKey);
  const [second, third] = [await softwareKey('p256'), await softwareKey('rsa2048')];
  directory.setKeys(alice.upn, second, third);
  const error = await refusal(async () => ra.countersign(request, alice.upn));
  expectRefusal(error, 'KEY_NOT_REGISTERED', badSubject);
  for (const key of [second, third]) {
    await ra.countersign(await createCertificationRequest(key), alice.upn);
  }
  directory.setKeys(alice.upn);
  const none = await createCertificationRequest(second);
  expectRefusal(await refusal(async () => ra.countersign(none, alice.upn)), 'KEY_NOT_REGISTERED', badSubject);
});

test('the RA compares keys, not the identifiers that the directory gives them', async () => {
  const { caOptions, agentKey, agentCertificate, aliceKey } = await createEnrollment();
  const stranger = await softwareKey('p256');
  const request = await createCertificationRequest(stranger);
  const { keyId } = CertificationRequest.parse(request).publicKey;
  const credential = { keyId, publicKey: aliceKey.publicKey, registeredAt: new Date(0) };
  const ra = new RegistrationAuthority({
    key: agentKey,
    certificate: agentCertificate,
    directory: new MemoryDirectory({ ...alice, keyCredentials: [credential] }),
    clock: caOptions.clock ?? (() => new Date()),
  });
  const error = await refusal(async () => ra.countersign(request, alice.upn));
  expectRefusal(error, 'KEY_NOT_REGISTERED', badSubject);
});

test('the RA refuses a user that the directory does not know', async () => {
  const { ra, aliceKey } = await createEnrollment();
  const request = await createCertificationRequest(aliceKey);
  const error = await refusal(async () => ra.countersign(request, 'mallory@contoso.example'));
  expectRefusal(error, 'USER_NOT_FOUND', noSuchUser);
});

test('the RA refuses a request that asks for another user, whichever way it asks', async () => {
  const { ra, aliceKey } = await createEnrollment();
  const names = [userPrincipalName(alice.upn), userPrincipalName('administrator@contoso.example')];
  const requests = [
    await createCertificationRequest(aliceKey, { extensionRequests: [subjectAltName(names.slice(1))] }),
    await createCertificationRequest(aliceKey, { extensionRequests: [subjectAltName(names)] }),
    // Microsoft's own attribute for the same list (MS-WCCE 2.2.2.7.7.1).
    await createCertificationRequest(aliceKey, {
      attributes: [
        {
          type: '1.3.6.1.4.1.311.2.1.14',
          values: [sequence(sequence(oid('2.5.29.17'), octets(subjectAltName(names).value)))],
        },
      ],
    }),
  ];
  for (const request of requests) {
    const error = await refusal(async () => ra.countersign(request, alice.upn));
    expectRefusal(error, 'REQUESTER_MISMATCH', badSubject);
    expect(error.message).toContain('administrator@contoso.example');
  }
});

test("the RA takes a request that asks for the requester's own UPN, in any case of letters", async () => {
  const enrollment = await createEnrollment();
  const extensionRequests = [subjectAltName([userPrincipalName('ALICE@Contoso.example')])];
  const certificate = await enrollment.ca.issue(await countersignForAlice(enrollment, { extensionRequests }));
  expect(Buffer.from(certificate.extension('2.5.29.17') ?? []).toString('latin1')).toContain(alice.upn);
});

test('the RA writes the account that the directory has, not the UPN that it was given', async () => {
  const enrollment = await createEnrollment();
  const { requesterName, request } = parseCountersignedRequest(await countersignForAlice(enrollment));
  expect(requesterName).toBe('CONTOSO\\alice');
  expect(hex(request.publicKey.subjectPublicKeyInfo)).toBe(hex(enrollment.aliceKey.publicKey));
});

test('the CA refuses an account that its directory does not know', async () => {
  const enrollment = await createEnrollment();
  const { agentKey, agentCertificate, aliceKey } = enrollment;
  const request = CertificationRequest.parse(await createCertificationRequest(aliceKey));
  for (const account of ['CONTOSO\\mallory', 'alice', 'alice@contoso.example', 'CONTOSO\\alice ', '']) {
    const countersigned = await createCountersignedRequest(
      agentKey,
      'ecdsa-sha256',
      agentCertificate,
      request,
      account,
    );
    expectRefusal(await refusedByCa(enrollment, countersigned), 'USER_NOT_FOUND', noSuchUser);
  }
});

test('the certificate is for whom the agent named, whatever subject the request has', async () => {
  const enrollment = await createEnrollment();
  const request = await createCertificationRequest(enrollment.aliceKey, {
    subject: Name.fromString(alice.distinguishedName),
  });
  const certificate = await enrollment.ca.issue(await countersignedForBob(enrollment, request));
  expect(certificate.subject.toString()).toBe(bob.distinguishedName);
  expect(
    parseNtdsCaSecurityExtension(certificate.extension('1.3.6.1.4.1.311.25.2') ?? new Uint8Array()),
  ).toBe(bob.sid);
  // The ledger names the account as the directory writes it.
  expect((await enrollment.ledger.find(certificate.serialNumber))?.subject).toBe('CONTOSO\\bob');
});

test("the CA refuses a request with one user's UPN that an agent hands in for another", async () => {
  const enrollment = await createEnrollment();
  const request = await createCertificationRequest(enrollment.aliceKey, {
    extensionRequests: [subjectAltName([userPrincipalName(alice.upn)])],
  });
  const error = await refusedByCa(enrollment, await countersignedForBob(enrollment, request));
  expectRefusal(error, 'REQUESTER_MISMATCH', badSubject);
});

async function countersignedForBob(
  { agentKey, agentCertificate }: Enrollment,
  request: Uint8Array,
): Promise<Uint8Array> {
  const parsed = CertificationRequest.parse(request);
  return createCountersignedRequest(agentKey, 'ecdsa-sha256', agentCertificate, parsed, 'contoso\\BOB');
}

test('a user whose directory entry cannot be certified gets no certificate, and no serial is spent', async () => {
  const enrollment = await createEnrollment();
  const countersigned = await countersignForAlice(enrollment);
  for (const entry of [
    { ...alice, distinguishedName: 'no distinguished name' },
    { ...alice, distinguishedName: `CN=${'x'.repeat(65)}` },
    { ...alice, upn: '\ud800@contoso.example' },
  ]) {
    const directory = new MemoryDirectory(entry);
    const ca = new CertificationAuthority({ ...enrollment.caOptions, directory });
    const error = await refusedByCa({ ca, ledger: enrollment.ledger }, countersigned);
    expect(['NAME_MALFORMED', 'VALUE_OUT_OF_RANGE']).toContain(error.code);
  }
  // Nothing was used up by the refusals.
  await enrollment.ca.issue(countersigned);
});

test('a directory that fails is not taken for one that has no such user', async () => {
  const enrollment = await createEnrollment();
  const { agentKey, agentCertificate, caOptions, ledger } = enrollment;
  const outage = new Error('the domain controller does not answer');
  const directory = {
    findByUpn: async () => Promise.reject(outage),
    findByAccount: async () => Promise.reject(outage),
  };
  const countersigned = await countersignForAlice(enrollment);
  const ca = new CertificationAuthority({ ...caOptions, directory });
  await expect(ca.issue(countersigned)).rejects.toBe(outage);
  expect(ledger.reservations).toHaveLength(1);
  expect((await ledger.audit()).at(-1)).toMatchObject({
    event: 'request-refused',
    details: { code: 'UNEXPECTED' },
  });
  const ra = new RegistrationAuthority({
    key: agentKey,
    certificate: agentCertificate,
    directory,
    clock: () => enrollment.clock.now,
  });
  const request = await createCertificationRequest(enrollment.aliceKey);
  await expect(ra.countersign(request, alice.upn)).rejects.toBe(outage);
  await enrollment.ca.issue(countersigned);
});
