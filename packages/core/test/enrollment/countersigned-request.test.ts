import { parseCountersignedRequest, parseSignedData, verifySignerInfo } from '@countersign/core';
import { beforeAll, expect, test } from 'vitest';
import {
  attribute,
  data,
  forgeCountersignature,
  forgeForAlice,
  pair,
  rightAttributes,
  sha256WithNull,
  withRequester,
  type Change,
} from './countersignature-forger.ts';
import { ascending, der, hex, oid, sequence } from './der.ts';
import { countersignForAlice, createEnrollment, issueAgent, type Enrollment } from './enrollment-fixture.ts';
import { softwareKey } from './software-key.ts';

let enrollment: Enrollment;

beforeAll(async () => {
  enrollment = await createEnrollment();
});

/** RFC 5652 11.3. */
const signingTime = '1.2.840.113549.1.9.5';

test('the forger of these tests makes what the RA makes, but for the signature', async () => {
  const made = parseSignedData(await countersignForAlice(enrollment));
  const forged = parseSignedData(
    await forgeCountersignature({
      key: enrollment.agentKey,
      certificate: enrollment.agentCertificate,
      content: made.content,
      attributes: [
        ...rightAttributes(made.content),
        attribute(signingTime, der(0x17, Buffer.from('260304050607Z'))),
      ],
    }),
  );
  expect({ ...forged.signerInfo, signature: undefined }).toEqual({
    ...made.signerInfo,
    signature: undefined,
  });
  expect(forged.eContentType).toBe(data);
  expect(hex(forged.signerCertificate.der)).toBe(hex(enrollment.agentCertificate.der));
  verifySignerInfo(forged);
  verifySignerInfo(made);
});

test.each<[string, Change]>([
  ['nothing changed', () => ({})],
  // What Windows and Certipy send: strings that end in U+0000.
  ['terminated strings', (right) => withRequester(right, pair('requestername\0', 'CONTOSO\\alice\0'))],
  // What MS-WCCE 2.2.2.7.10 prints: a SEQUENCE OF pairs.
  [
    'a sequence of pairs',
    (right) =>
      withRequester(right, sequence(pair('machine', 'PC1'), pair('requestername', 'CONTOSO\\alice'))),
  ],
  [
    'a value for each pair',
    (right) =>
      withRequester(
        right,
        ...ascending([pair('ccm', 'PC1.contoso'), pair('requestername', 'CONTOSO\\alice')]),
      ),
  ],
  ['a name in capitals', (right) => withRequester(right, pair('RequesterName', 'CONTOSO\\alice'))],
  ['an account in other letters', (right) => withRequester(right, pair('requestername', 'contoso\\ALICE'))],
  ['a NULL in the digest algorithm', () => ({ digestAlgorithm: sha256WithNull })],
  [
    // Certipy's application policies, and signingTime (RFC 5652 11.3).
    'more signed attributes',
    (right) => ({
      attributes: [
        ...right,
        attribute('1.3.6.1.4.1.311.21.10', oid('1.3.6.1.5.5.7.3.2')),
        attribute('1.2.840.113549.1.9.5', der(0x17, Buffer.from('260304050607Z'))),
      ],
    }),
  ],
])('%s', async (_, change) => {
  const countersigned = await forgeForAlice(enrollment, change);
  expect(parseCountersignedRequest(countersigned).requesterName.toLowerCase()).toBe('contoso\\alice');
  const certificate = await enrollment.ca.issue(countersigned);
  expect(hex(certificate.publicKey.subjectPublicKeyInfo)).toBe(hex(enrollment.aliceKey.publicKey));
});

test('more certificates than the signer', async () => {
  const other = await issueAgent(enrollment.ca, await softwareKey('p256'));
  const certificates = [enrollment.agentCertificate, other, enrollment.ca.certificate];
  const countersigned = await forgeForAlice(enrollment, () => ({
    certificates: certificates.map(({ der: whole }) => whole),
  }));
  const { signerCertificate } = parseSignedData(countersigned);
  expect(signerCertificate.serialNumber).toBe(enrollment.agentCertificate.serialNumber);
  await enrollment.ca.issue(countersigned);
});
