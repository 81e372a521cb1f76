import { CertificationAuthority, createCertificationRequest, Name, PublicKey } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { alice, caName, createEnrollment, now } from './enrollment-fixture.ts';
import {
  issuer,
  lintOutcome,
  orders,
  otherKey,
  soundDraft,
  withFields,
  written,
  type Draft,
} from './lint-fixture.ts';
import { refusal } from './refusal.ts';
import { refusedByCa } from './refused-by-ca.ts';
import { softwareKey } from './software-key.ts';

const hour = 3_600_000;
/** CN=Contoso Issuing CA,O=Contoso, its texts as PrintableString: the same name to people, other octets. */
const caNamePrintable = Name.fromString(
  `CN=#1312${Buffer.from('Contoso Issuing CA').toString('hex')},O=#1307${Buffer.from('Contoso').toString('hex')}`,
);

test('nothing is wrong with a sound certificate of any profile', async () => {
  for (const order of Object.values(orders)) {
    const draft = soundDraft(order);
    expect(lintOutcome(await written(draft), draft)).toEqual({ refused: undefined, clauses: [] });
  }
});

describe('a certificate with one field wrong is found', () => {
  test.each<[string, string, (sound: Draft) => Draft]>([
    [
      'a serial number of 17 octets',
      'CA/Browser Forum BR 7.1, with a margin',
      (sound) => withFields(sound, { serialNumber: new Uint8Array(17).fill(0x41) }),
    ],
    [
      'a serial number counted up',
      'CA/Browser Forum BR 7.1, with a margin',
      (sound) => withFields(sound, { serialNumber: Uint8Array.of(7) }),
    ],
    [
      'another issuer',
      'RFC 5280 4.1.2.4',
      (sound) => withFields(sound, { issuer: Name.fromString('CN=Another CA') }),
    ],
    [
      "the issuer's name in other octets",
      'RFC 5280 4.1.2.4',
      (sound) => withFields(sound, { issuer: caNamePrintable }),
    ],
    [
      'a validity that begins before the CA’s',
      'RFC 5280 4.1.2.5',
      (sound) => withFields(sound, { notBefore: new Date(issuer.notBefore.getTime() - 1000) }),
    ],
    [
      'a validity that ends after the CA’s',
      'RFC 5280 4.1.2.5',
      (sound) => withFields(sound, { notAfter: new Date(issuer.notAfter.getTime() + 1000) }),
    ],
    [
      'a validity of one instant',
      'RFC 5280 4.1.2.5',
      (sound) => withFields(sound, { notAfter: sound.fields.notBefore }),
    ],
    [
      'a subject that the profile did not give',
      'RFC 5280 4.1.2.6',
      (sound) => withFields(sound, { subject: Name.fromString('CN=Administrator') }),
    ],
    [
      'no subject, by the profile’s own wish',
      'RFC 5280 4.1.2.6',
      (sound) =>
        withFields(
          { ...sound, contents: { ...sound.contents, subject: Name.empty } },
          { subject: Name.empty },
        ),
    ],
    ['another key than was asked for', 'RFC 5280 4.1.2.7', (sound) => ({ ...sound, asked: otherKey })],
    [
      'the key of the CA',
      'SP 800-57 part 1 rev. 5, 5.2',
      () => soundDraft(orders['enrollment-agent'], issuer.publicKey),
    ],
  ])('%s (%s)', async (_, clause, change) => {
    const draft = change(soundDraft());
    const { refused, clauses } = lintOutcome(await written(draft), draft);
    expect(clauses).toEqual([clause]);
    expect(refused?.code).toBe('CERTIFICATE_NOT_CONFORMANT');
    expect(refused?.message).toContain(`(${clause})`);
  });

  test('the ends of the CA’s own validity are within it', async () => {
    const { notBefore, notAfter } = issuer;
    const draft = withFields(soundDraft(), { notBefore, notAfter });
    expect(lintOutcome(await written(draft), draft).clauses).toEqual([]);
  });

  test('a serial number that no parser lets through (RFC 5280 4.1.2.2)', async () => {
    for (const serialNumber of [
      new Uint8Array(21).fill(0x41),
      new Uint8Array(18).fill(0x81),
      Uint8Array.of(0),
    ]) {
      const error = await refusal(async () => written(withFields(soundDraft(), { serialNumber })));
      expect(error.code).toBe('DER_MALFORMED');
    }
    // Behind the parser's back, the lint would see it all the same.
    for (const octet of [0x81, 0]) {
      const draft = soundDraft();
      const certificate = await written(draft);
      certificate.serialNumberOctets.fill(octet);
      const { refused, clauses } = lintOutcome(certificate, draft);
      expect(clauses).toEqual(['RFC 5280 4.1.2.2']);
      expect(refused?.code).toBe('CERTIFICATE_NOT_CONFORMANT');
    }
  });
});

describe('an order that would end in such a certificate is refused before the CA signs', () => {
  test('for the key of the CA', async () => {
    const enrollment = await createEnrollment();
    const request = await createCertificationRequest(enrollment.caKey);
    for (const profile of ['enrollment-agent', 'ocsp-responder'] as const) {
      const order = { profile, subject: Name.fromString('CN=Other Use') };
      const error = await refusedByCa(enrollment, request, order);
      expect(error.code).toBe('CERTIFICATE_NOT_CONFORMANT');
      expect(error.message).toContain('(SP 800-57 part 1 rev. 5, 5.2)');
      expect(error.adcs?.symbol).toBe('ERROR_INVALID_DATA');
    }
  });

  test('for nobody', async () => {
    const enrollment = await createEnrollment();
    const request = await createCertificationRequest(await softwareKey('p256'));
    const error = await refusedByCa(enrollment, request, {
      profile: 'enrollment-agent',
      subject: Name.empty,
    });
    expect(error.code).toBe('CERTIFICATE_NOT_CONFORMANT');
    expect(error.message).toContain('(RFC 5280 4.1.2.6)');
  });
});

test('every profile passes under CAs of every algorithm, also at the end of the CA’s validity', async () => {
  for (const algorithm of ['p256', 'p384', 'p521', 'rsa2048', 'ed25519'] as const) {
    const { caOptions, clock } = await createEnrollment({ ca: algorithm });
    clock.now = new Date(caOptions.certificate.notAfter.getTime() - hour);
    const ca = new CertificationAuthority(caOptions);
    for (const order of Object.values(orders)) {
      if (order.profile === 'hello-logon') continue;
      const key = await softwareKey('p256');
      const certificate = await ca.issueForOperator(await createCertificationRequest(key), order);
      const draft = {
        ...soundDraft(order, PublicKey.parse(key.publicKey)),
        issuer: ca.certificate,
      };
      expect(lintOutcome(certificate, draft)).toEqual({ refused: undefined, clauses: [] });
      expect(certificate.notAfter).toEqual(ca.certificate.notAfter);
    }
  }
});

test('the fixture is what it says', () => {
  expect(caNamePrintable.toString()).toBe(caName.toString());
  expect(caNamePrintable.equals(caName)).toBe(false);
  expect(soundDraft().fields.subject.toString()).toBe(alice.distinguishedName);
  expect(issuer.notBefore < now).toBe(true);
});
