import {
  CertificationAuthority,
  createCertificationRequest,
  createRootCertificate,
  type CertificationAuthorityOptions,
  type Extension,
  type ProfileName,
} from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { der, sequence } from './der.ts';
import { agentName, caName, countersignForAlice, createEnrollment, now } from './enrollment-fixture.ts';
import { caCertificateByHand, extendedKeyUsageOf } from './handmade-certificate.ts';
import { refusal } from './refusal.ts';
import { refusedByCa } from './refused-by-ca.ts';
import { softwareKey } from './software-key.ts';

type Options = Partial<CertificationAuthorityOptions>;

const { caKey, caOptions } = await createEnrollment();
const crlUri = 'http://pki.contoso.example/ca.crl';

async function refusedAtStart(options: Options): Promise<string> {
  const error = await refusal(() => new CertificationAuthority({ ...caOptions, ...options }));
  expect(error.code).toBe('ISSUER_NOT_ACCEPTABLE');
  return error.message;
}

const ofCa = { oid: '2.5.29.19', critical: true, value: sequence(der(0x01, Uint8Array.of(0xff))) };

/** @param octets contents of the BIT STRING */
function usage(...octets: readonly number[]): Extension {
  return { oid: '2.5.29.15', critical: true, value: der(0x03, Uint8Array.from(octets)) };
}

describe('the certificate of a CA', () => {
  test.each([
    ['has no basic constraints', [usage(1, 0x06)], 'basicConstraints'],
    ['is not a CA', [{ ...ofCa, value: sequence() }, usage(1, 0x06)], 'basicConstraints'],
    ['has no key usage', [ofCa], 'keyUsage'],
    ['may not sign certificates', [ofCa, usage(1, 0x02)], 'keyUsage'],
    ['may not sign CRLs', [ofCa, usage(2, 0x04)], 'keyUsage'],
  ])('will not do if it %s', async (_, extensions, reason) => {
    const certificate = await caCertificateByHand(caKey, [], { extensions });
    expect(await refusedAtStart({ certificate })).toContain(reason);
  });

  test('will not do if it certifies another key', async () => {
    const certificate = await createRootCertificate(await softwareKey('p256'), caName, now);
    expect(await refusedAtStart({ certificate })).toContain(caKey.ref);
  });
});

/** What each profile gives. */
const purposes: Readonly<Record<ProfileName, readonly string[]>> = {
  'hello-logon': ['1.3.6.1.4.1.311.20.2.2', '1.3.6.1.5.5.7.3.2'],
  'enrollment-agent': ['1.3.6.1.4.1.311.20.2.1'],
  kdc: ['1.3.6.1.5.2.3.5', '1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
  'ocsp-responder': ['1.3.6.1.5.5.7.3.9'],
};
const emailProtection = '1.3.6.1.5.5.7.3.4';

describe.each(['hello-logon', 'enrollment-agent', 'kdc', 'ocsp-responder'] as const)(
  'the profile %s',
  (profile) => {
    const given = purposes[profile];

    test.each(given)('is not possible under a CA whose purposes lack %s', async (missing) => {
      const rest = given.filter((purpose) => purpose !== missing);
      const certificate = await caCertificateByHand(caKey, [extendedKeyUsageOf(emailProtection, ...rest)]);
      const message = await refusedAtStart({ certificate, profiles: [profile] });
      expect(message).toContain(missing);
      expect(message).toContain(profile);
    });

    test('is possible under a CA that has its purposes, has any purpose, or does not say', async () => {
      for (const extensions of [
        [extendedKeyUsageOf(...given)],
        [extendedKeyUsageOf(emailProtection, '2.5.29.37.0')],
        [],
      ]) {
        const certificate = await caCertificateByHand(caKey, extensions);
        const ca = new CertificationAuthority({ ...caOptions, certificate, profiles: [profile] });
        expect(ca.certificate).toBe(certificate);
      }
    });

    test('is held against the CA also where it is one of many', async () => {
      const others = Object.entries(purposes).flatMap(([name, all]) => (name === profile ? [] : all));
      const certificate = await caCertificateByHand(caKey, [extendedKeyUsageOf(...new Set(others))]);
      const isCovered = given.every((purpose) => others.includes(purpose));
      expect(isCovered).toBe(false);
      expect(await refusedAtStart({ certificate })).toContain(profile);
    });
  },
);

test('a CA issues the profiles that it is limited to, and no others', async () => {
  const enrollment = await createEnrollment();
  const countersigned = await countersignForAlice(enrollment);
  const request = await createCertificationRequest(await softwareKey('p256'));
  const order = { profile: 'enrollment-agent', subject: agentName } as const;
  const limitedTo = (...profiles: readonly ProfileName[]): CertificationAuthority =>
    new CertificationAuthority({ ...enrollment.caOptions, profiles });

  for (const ca of [limitedTo('kdc'), limitedTo()]) {
    for (const error of [
      await refusedByCa({ ...enrollment, ca }, countersigned),
      await refusedByCa({ ...enrollment, ca }, request, order),
    ]) {
      expect(error.code).toBe('PROFILE_NOT_FOUND');
      expect(error.adcs?.symbol).toBe('CERTSRV_E_UNSUPPORTED_CERT_TYPE');
    }
  }
  await limitedTo('hello-logon').issue(countersigned);
  await limitedTo('enrollment-agent').issueForOperator(request, order);
});

describe('places that certificates and CRLs point at', () => {
  const badUris = ['https://pki.contoso.example/ca', '/ca.crl', 'pki.contoso.example', 'ftp://pki/ca', ''];
  test.each<[string, (uri: string) => Options]>([
    ['crlUris', (uri) => ({ crlUris: [crlUri, uri] })],
    ['caIssuersUris', (uri) => ({ caIssuersUris: [uri] })],
    ['ocspUris', (uri) => ({ ocspUris: [uri] })],
    ['deltaCrlUris', (uri) => ({ deltaCrlUris: [uri] })],
    ['the scope of CRLs', (uri) => ({ crlScope: { uris: [crlUri, uri] } })],
  ])('are absolute http or ldap URIs: %s', async (_, optionsWith) => {
    for (const uri of badUris) {
      expect(await refusedAtStart(optionsWith(uri)), uri).toContain(JSON.stringify(uri));
    }
    for (const uri of [
      'http://pki.contoso.example/x',
      'ldap://dc1.contoso.example/CN=CA?certificateRevocationList',
    ]) {
      expect(new CertificationAuthority({ ...caOptions, ...optionsWith(uri) }).certificate).toBeDefined();
    }
  });
});

describe('CRLs that no relying party could use', () => {
  test.each<[string, Options, string]>([
    ['have an empty scope', { crlScope: {} }, '5.2.5'],
    ['have a scope of no places', { crlScope: { uris: [] } }, '5.2.5'],
    ['cover CA certificates', { crlScope: { only: 'caCertificates' } }, 'end entities'],
    [
      'are for a place that no certificate names',
      { crlScope: { uris: ['http://pki.contoso.example/other.crl'] } },
      crlUri,
    ],
    [
      'are for a place where certificates name none',
      { crlScope: { uris: [crlUri] }, crlUris: [] },
      'no place',
    ],
    ['end before they begin', { crlValidityMs: -1000 }, '-1000 ms'],
    ['end as they begin', { crlValidityMs: 999 }, '999 ms'],
    ['end at no time', { crlValidityMs: Number.NaN }, 'NaN ms'],
    ['never end', { deltaCrlValidityMs: Infinity }, 'Infinity ms'],
    ['are deltas that end as they begin', { deltaCrlValidityMs: 0 }, '0 ms'],
  ])('are refused before the first is made: those that %s', async (_, options, reason) => {
    expect(await refusedAtStart(options)).toContain(reason);
  });
});
