import {
  CertificationRequest,
  createCertificationRequest,
  createCountersignedRequest,
  Name,
  subjectAltName,
  userPrincipalName,
  type Certificate,
  type Extension,
} from '@countersign/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { der, hex, octets, oid, sequence } from './der.ts';
import { agentName, alice, createEnrollment, type Enrollment } from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';
import { refusedByCa } from './refused-by-ca.ts';
import { softwareKey } from './software-key.ts';

/** Everything in a certificate but the serial number and the signature. */
function contentsOf(certificate: Certificate): unknown {
  return {
    subject: hex(certificate.subject.der),
    issuer: hex(certificate.issuer.der),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    publicKey: hex(certificate.publicKey.subjectPublicKeyInfo),
    extensions: certificate.extensions.map(({ oid: id, critical, value }) => [id, critical, hex(value)]),
  };
}

async function issueFor(enrollment: Enrollment, request: Uint8Array): Promise<Certificate> {
  return enrollment.ca.issue(await countersigned(enrollment, request));
}

/** Past the RA's own checks: the CA must not depend on them. */
async function countersigned(
  { agentKey, agentCertificate }: Enrollment,
  request: Uint8Array,
): Promise<Uint8Array> {
  const parsed = CertificationRequest.parse(request);
  return createCountersignedRequest(agentKey, 'ecdsa-sha256', agentCertificate, parsed, alice.account);
}

/** What attackers ask for: to be a CA, an agent, somebody else. */
const excessive: readonly Extension[] = [
  { oid: '2.5.29.19', critical: true, value: sequence(der(0x01, Uint8Array.of(0xff))) },
  { oid: '2.5.29.15', critical: true, value: der(0x03, Uint8Array.of(1, 6)) },
  { oid: '2.5.29.37', critical: false, value: sequence(oid('1.3.6.1.4.1.311.20.2.1')) },
  { oid: '2.5.29.37', critical: true, value: sequence(oid('2.5.29.37.0')) },
  subjectAltName([{ kind: 'dNSName', text: 'dc2.contoso.example' }]),
  subjectAltName([{ kind: 'rfc822Name', text: alice.upn }]),
  sidExtension('S-1-5-21-1004336348-1177238915-682003330-500'),
  policiesExtension('2.5.29.37.0'),
];

/** What says nothing of the subject or of its powers; Windows asks for some of it. */
const ignored: readonly Extension[] = [
  { oid: '2.5.29.19', critical: true, value: sequence() },
  { oid: '2.5.29.15', critical: true, value: der(0x03, Uint8Array.of(5, 0xa0)) },
  { oid: '1.3.6.1.4.1.311.21.7', critical: false, value: sequence(oid('1.3.6.1.4.1.311.21.8.1')) },
  { oid: '2.5.29.14', critical: false, value: octets(new Uint8Array(20)) },
  { oid: '2.5.29.35', critical: false, value: sequence(der(0x80, new Uint8Array(20))) },
  { oid: '2.5.29.32', critical: true, value: sequence(sequence(oid('2.5.29.32.0'))) },
  { oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) },
];

/** What the profile gives Alice, or a part of it. */
const granted: readonly Extension[] = [
  purposesExtension('1.3.6.1.4.1.311.20.2.2', '1.3.6.1.5.5.7.3.2'),
  purposesExtension('1.3.6.1.5.5.7.3.2'),
  policiesExtension('1.3.6.1.4.1.311.20.2.2', '1.3.6.1.5.5.7.3.2'),
  subjectAltName([userPrincipalName(alice.upn)]),
  subjectAltName([userPrincipalName('Alice@CONTOSO.example')], { critical: true }),
  sidExtension(alice.sid),
];

/** MS-WCCE 2.2.2.7.7.4. */
function sidExtension(sid: string): Extension {
  const objectSid = der(0xa0, oid('1.3.6.1.4.1.311.25.2.1'), der(0xa0, octets(Buffer.from(sid))));
  return { oid: '1.3.6.1.4.1.311.25.2', critical: false, value: sequence(objectSid) };
}

/** MS-WCCE 2.2.2.7.7.3. */
function policiesExtension(...purposes: readonly string[]): Extension {
  const value = sequence(...purposes.map((purpose) => sequence(oid(purpose))));
  return { oid: '1.3.6.1.4.1.311.21.10', critical: false, value };
}

function purposesExtension(...purposes: readonly string[]): Extension {
  const value = sequence(...purposes.map((purpose) => oid(purpose)));
  return { oid: '2.5.29.37', critical: false, value };
}

const wishArbitrary = fc.oneof(
  fc.constantFrom(...ignored, ...granted),
  fc.record({
    oid: fc.tuple(fc.nat({ max: 39 }), fc.nat({ max: 99_999 })).map(([b, c]) => `1.${b}.${c}`),
    critical: fc.boolean(),
    value: fc.uint8Array({ maxLength: 40 }).map((contents) => octets(contents)),
  }),
);

test('whatever a request asks for, the certificate is the one that the directory and the profile make', async () => {
  const enrollment = await createEnrollment();
  const { aliceKey } = enrollment;
  const plain = contentsOf(await issueFor(enrollment, await createCertificationRequest(aliceKey)));
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(wishArbitrary, { selector: (wish) => wish.oid, maxLength: 6 }),
      fc.constantFrom(
        'CN=Administrator,CN=Users,DC=contoso,DC=example',
        'CN=Contoso Issuing CA,O=Contoso',
        undefined,
      ),
      fc.boolean(),
      async (extensionRequests, subject, otherAttribute) => {
        const request = await createCertificationRequest(aliceKey, {
          extensionRequests,
          ...(subject === undefined ? {} : { subject: Name.fromString(subject) }),
          attributes: otherAttribute
            ? [{ type: '1.3.6.1.4.1.311.13.2.1', values: [Uint8Array.of(5, 0)] }]
            : [],
        });
        expect(contentsOf(await issueFor(enrollment, request))).toEqual(plain);
      },
    ),
    { numRuns: 200 },
  );
});

test('a wish for what the profile gives, or for what does not matter, changes nothing', async () => {
  const enrollment = await createEnrollment();
  const { aliceKey } = enrollment;
  const plain = contentsOf(await issueFor(enrollment, await createCertificationRequest(aliceKey)));
  for (const wish of [...granted, ...ignored]) {
    const request = await createCertificationRequest(aliceKey, { extensionRequests: [wish] });
    const [carried] = CertificationRequest.parse(request).extensionRequests;
    expect([carried?.oid, carried?.critical, hex(carried?.value)]).toEqual([
      wish.oid,
      wish.critical,
      hex(wish.value),
    ]);
    expect(contentsOf(await issueFor(enrollment, request))).toEqual(plain);
  }
});

test.each(excessive)('a wish for more is refused: $oid', async (wish) => {
  const enrollment = await createEnrollment();
  const { aliceKey } = enrollment;
  for (const others of [[], ignored.filter(({ oid: id }) => id !== wish.oid)]) {
    const request = await createCertificationRequest(aliceKey, { extensionRequests: [...others, wish] });
    const error = await refusedByCa(enrollment, await countersigned(enrollment, request));
    expect(error.code).toBe('REQUEST_ASKS_FOR_TOO_MUCH');
  }
});

test('a wish for what is granted and for one thing more is refused', async () => {
  const enrollment = await createEnrollment();
  const wishes: readonly Extension[] = [
    subjectAltName([userPrincipalName(alice.upn), { kind: 'dNSName', text: 'dc1.contoso.example' }]),
    purposesExtension('1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'),
  ];
  for (const wish of wishes) {
    const request = await createCertificationRequest(enrollment.aliceKey, { extensionRequests: [wish] });
    const error = await refusedByCa(enrollment, await countersigned(enrollment, request));
    expect(error.code).toBe('REQUEST_ASKS_FOR_TOO_MUCH');
  }
});

test("another user's UPN is refused by the CA, too, whatever the agent vouches for", async () => {
  const enrollment = await createEnrollment();
  const extensionRequests = [subjectAltName([userPrincipalName('administrator@contoso.example')])];
  const request = await createCertificationRequest(enrollment.aliceKey, { extensionRequests });
  const error = await refusedByCa(enrollment, await countersigned(enrollment, request));
  expect(error).toMatchObject({
    code: 'REQUESTER_MISMATCH',
    adcs: { symbol: 'CERTSRV_E_BAD_REQUESTSUBJECT', hresult: 0x80094001 },
  });
});

test("an operator's order, too, takes only the key from the request, and refuses one that asks for more", async () => {
  const { ca, ledger } = await createEnrollment();
  const key = await softwareKey('p256');
  const subject = Name.fromString('CN=Somebody Else');
  const order = { profile: 'enrollment-agent', subject: agentName } as const;
  const plain = contentsOf(await ca.issueForOperator(await createCertificationRequest(key), order));
  const agentPurpose = purposesExtension('1.3.6.1.4.1.311.20.2.1');
  for (const wish of [...ignored, agentPurpose]) {
    const request = await createCertificationRequest(key, { subject, extensionRequests: [wish] });
    expect(contentsOf(await ca.issueForOperator(request, order))).toEqual(plain);
  }
  const { length } = ledger.reservations;
  const others = excessive.filter(({ value }) => hex(value) !== hex(agentPurpose.value));
  for (const wish of [...others, ...granted]) {
    const request = await createCertificationRequest(key, { subject, extensionRequests: [wish] });
    const error = await refusal(async () => ca.issueForOperator(request, order));
    expect(error.code).toBe('REQUEST_ASKS_FOR_TOO_MUCH');
  }
  expect(ledger.reservations).toHaveLength(length);
});
