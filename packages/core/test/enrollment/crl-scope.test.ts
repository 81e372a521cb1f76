import {
  CertificateList,
  CertificationAuthority,
  createCertificationRequest,
  Name,
  type CertificateListScope,
} from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { hasOpenssl } from '../ocsp/openssl.ts';
import { opensslText, opensslVerdict, ourVerdict, type Verdict } from './crl-verdicts.ts';
import { der, hex, sequence } from './der.ts';
import { countersignForAlice, createEnrollment, now } from './enrollment-fixture.ts';
import { softwareKey } from './software-key.ts';

const crlUri = 'http://pki.contoso.example/ca.crl';
const deltaCrlUris = ['http://pki.contoso.example/delta.crl'];
const issuingDistributionPoint = '2.5.29.28';

const uri = (text: string): Uint8Array => der(0x86, Buffer.from(text, 'latin1'));

/** The scope, and its extension as RFC 5280 5.2.5 encodes it. */
const scopes: readonly (readonly [string, CertificateListScope, Uint8Array])[] = [
  ['a place', { uris: [crlUri] }, sequence(der(0xa0, der(0xa0, uri(crlUri))))],
  [
    'several places',
    { uris: ['ldap://dc1.contoso.example/CN=CA', crlUri] },
    sequence(der(0xa0, der(0xa0, uri('ldap://dc1.contoso.example/CN=CA'), uri(crlUri)))),
  ],
  ['end entities', { only: 'userCertificates' }, sequence(der(0x81, Uint8Array.of(0xff)))],
  [
    'end entities at a place',
    { uris: [crlUri], only: 'userCertificates' },
    sequence(der(0xa0, der(0xa0, uri(crlUri))), der(0x81, Uint8Array.of(0xff))),
  ],
];

describe.each(scopes)('CRLs for %s', (_, crlScope, encoded) => {
  test('say so, complete and delta alike, and count for the CA’s certificates', async () => {
    const enrollment = await createEnrollment();
    const ca = new CertificationAuthority({ ...enrollment.caOptions, deltaCrlUris, crlScope });
    const target = await ca.issue(await countersignForAlice(enrollment));
    const relyingParty = { target, ca: ca.certificate, at: now };
    const complete = await ca.createCrl();
    await ca.revoke(target.serialNumber, 'superseded');
    const delta = await ca.createDeltaCrl();
    const later = await ca.createCrl();
    for (const crl of [complete, delta, later]) {
      const extension = CertificateList.parse(crl).extensions.find(
        ({ oid }) => oid === issuingDistributionPoint,
      );
      expect([extension?.critical, hex(extension?.value)]).toEqual([true, hex(encoded)]);
      if (hasOpenssl) {
        const text = await opensslText(ca.certificate, crl);
        expect(text).toContain('X509v3 Issuing Distribution Point: critical');
        expect(text.includes('Only User Certificates')).toBe(crlScope.only !== undefined);
      }
    }
    const cases: readonly (readonly [Verdict, readonly Uint8Array[]])[] = [
      ['good', [complete]],
      ['revoked', [complete, delta]],
      ['revoked', [later]],
    ];
    for (const [verdict, crls] of cases) {
      expect(ourVerdict(relyingParty, ...crls)).toBe(verdict);
      if (hasOpenssl) expect(await opensslVerdict(relyingParty, ...crls)).toBe(verdict);
    }
  });
});

test('a CRL for a place does not count for a certificate that names another', async () => {
  const enrollment = await createEnrollment();
  const { caOptions } = enrollment;
  const elsewhere = new CertificationAuthority({
    ...caOptions,
    crlUris: ['http://pki.contoso.example/old.crl'],
  });
  const order = { profile: 'enrollment-agent', subject: Name.fromString('CN=Agent') } as const;
  const request = await createCertificationRequest(await softwareKey('p256'));
  const target = await elsewhere.issueForOperator(request, order);
  const ca = new CertificationAuthority({ ...caOptions, crlScope: { uris: [crlUri] } });
  const relyingParty = { target, ca: ca.certificate, at: now };
  const crl = await ca.createCrl();
  expect(ourVerdict(relyingParty, crl)).toBe('unknown');
  if (hasOpenssl) expect(await opensslVerdict(relyingParty, crl)).toBe('unknown');
});

test('without a scope, a CRL has no issuing distribution point', async () => {
  const { ca } = await createEnrollment();
  for (const crl of [await ca.createCrl(), await ca.createDeltaCrl()]) {
    expect(CertificateList.parse(crl).extension(issuingDistributionPoint)).toBeUndefined();
  }
});
