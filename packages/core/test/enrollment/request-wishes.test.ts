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

async function issueFor(
  { agentKey, agentCertificate, ca }: Enrollment,
  request: Uint8Array,
): Promise<Certificate> {
  const parsed = CertificationRequest.parse(request);
  return ca.issue(
    // Past the RA's own checks: the CA must not depend on them.
    await createCountersignedRequest(agentKey, 'ecdsa-sha256', agentCertificate, parsed, alice.account),
  );
}

/** What attackers ask for: to be a CA, an agent, somebody else; and the code that they get. */
const refusedWishes: readonly (readonly [what: string, code: string, wish: Extension])[] = [
  [
    'to be a CA',
    'EXTENSION_NOT_GRANTED',
    { oid: '2.5.29.19', critical: true, value: sequence(der(0x01, Uint8Array.of(0xff))) },
  ],
  [
    'to sign certificates',
    'EXTENSION_NOT_GRANTED',
    { oid: '2.5.29.15', critical: true, value: der(0x03, Uint8Array.of(1, 6)) },
  ],
  [
    'to be an agent',
    'EXTENSION_NOT_GRANTED',
    { oid: '2.5.29.37', critical: false, value: sequence(oid('1.3.6.1.4.1.311.20.2.1')) },
  ],
  [
    'to be of any use',
    'EXTENSION_NOT_GRANTED',
    { oid: '2.5.29.37', critical: true, value: sequence(oid('2.5.29.37.0')) },
  ],
  [
    'an application policy',
    'EXTENSION_NOT_GRANTED',
    { oid: '1.3.6.1.4.1.311.21.10', critical: false, value: sequence(sequence(oid('2.5.29.37.0'))) },
  ],
  [
    'to be another user',
    'REQUESTER_MISMATCH',
    subjectAltName([userPrincipalName('administrator@contoso.example')], { critical: true }),
  ],
  [
    'to be a host',
    'EXTENSION_NOT_GRANTED',
    subjectAltName([{ kind: 'dNSName', text: 'dc1.contoso.example' }]),
  ],
  [
    "another's SID",
    'EXTENSION_NOT_GRANTED',
    securityExtension('S-1-5-21-1004336348-1177238915-682003330-500'),
  ],
];

/** What harms nobody, and is left out. */
const wishes: readonly Extension[] = [
  { oid: '2.5.29.19', critical: true, value: sequence() },
  { oid: '2.5.29.15', critical: true, value: der(0x03, Uint8Array.of(5, 0xa0)) },
  { oid: '2.5.29.37', critical: false, value: sequence(oid('1.3.6.1.5.5.7.3.2')) },
  subjectAltName([userPrincipalName('Alice@CONTOSO.example')]),
  securityExtension(alice.sid),
  { oid: '1.3.6.1.4.1.311.21.7', critical: false, value: sequence(oid('1.3.6.1.4.1.311.21.8.1')) },
  { oid: '2.5.29.14', critical: false, value: octets(new Uint8Array(20)) },
  { oid: '2.5.29.35', critical: false, value: sequence(der(0x80, new Uint8Array(20))) },
  { oid: '2.5.29.32', critical: true, value: sequence(sequence(oid('2.5.29.32.0'))) },
  { oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) },
];

function securityExtension(sid: string): Extension {
  const value = sequence(der(0xa0, oid('1.3.6.1.4.1.311.25.2.1'), der(0xa0, octets(Buffer.from(sid)))));
  return { oid: '1.3.6.1.4.1.311.25.2', critical: false, value };
}

const wishArbitrary = fc.oneof(
  fc.constantFrom(...wishes),
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

test('every wish by itself is carried by the request and left out of the certificate', async () => {
  const enrollment = await createEnrollment();
  const { aliceKey } = enrollment;
  const plain = contentsOf(await issueFor(enrollment, await createCertificationRequest(aliceKey)));
  for (const wish of wishes) {
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

test.each(refusedWishes)('a request that asks %s is refused with %s', async (_, code, wish) => {
  const enrollment = await createEnrollment();
  const { aliceKey, agentKey, agentCertificate } = enrollment;
  const request = await createCertificationRequest(aliceKey, { extensionRequests: [wish] });
  const countersigned = await createCountersignedRequest(
    agentKey,
    'ecdsa-sha256',
    agentCertificate,
    CertificationRequest.parse(request),
    alice.account,
  );
  expect((await refusedByCa(enrollment, countersigned)).code).toBe(code);
});

test.each(refusedWishes)(
  "an operator's order does not hide that a request asks %s",
  async (_, code, wish) => {
    const { ca } = await createEnrollment();
    const request = await createCertificationRequest(await softwareKey('p256'), {
      extensionRequests: [wish],
    });
    const order = { profile: 'kdc', realm: 'CONTOSO.EXAMPLE', hostName: 'dc9.contoso.example' } as const;
    expect((await refusal(async () => ca.issueForOperator(request, order))).code).toBe(code);
  },
);

test("an operator's order, too, takes only the key from the request", async () => {
  const { ca } = await createEnrollment();
  const key = await softwareKey('p256');
  const order = { profile: 'enrollment-agent', subject: agentName } as const;
  const plain = contentsOf(await ca.issueForOperator(await createCertificationRequest(key), order));
  for (const wish of wishes.filter(({ oid: id }) => !personal.has(id))) {
    const request = await createCertificationRequest(key, {
      subject: Name.fromString('CN=Somebody Else'),
      extensionRequests: [wish],
    });
    expect(contentsOf(await ca.issueForOperator(request, order))).toEqual(plain);
  }
});

/** What an agent's certificate does not grant. */
const personal: ReadonlySet<string> = new Set(['2.5.29.17', '2.5.29.37', '1.3.6.1.4.1.311.25.2']);
