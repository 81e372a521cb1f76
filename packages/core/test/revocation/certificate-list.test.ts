import { CertificateList, createCertificateList, type CertificateListFields } from '@countersign/core';
import { describe, expect, it } from 'vitest';
import { createOcspService, now } from '../ocsp/ocsp-fixture.ts';
import { hasOpenssl, OpensslFolder } from '../ocsp/openssl.ts';

const { ca, caKey } = await createOcspService();
const uris = ['http://pki.contoso.example/ca.crl'];
const revoked = { serialNumber: '11', revokedAt: now, reason: 'keyCompromise' } as const;
const released = { serialNumber: '12', releasedAt: now };

describe('createCertificateList', () => {
  it('makes a complete list for all certificates unless told otherwise', async () => {
    expect((await create({})).extensions.map(({ oid, critical }) => [oid, critical])).toEqual([
      ['2.5.29.35', false],
      ['2.5.29.20', false],
    ]);
  });

  it.each<[string, CertificateListFields['scope'], string]>([
    // 5.2.5: distributionPoint [0] { fullName [0] { uniformResourceIdentifier [6] } }
    ['a place', { uris: ['http://a'] }, `300ea00ca00a8608${ascii('http://a')}`],
    [
      'two places',
      { uris: ['http://a', 'http://b'] },
      `3018a016a0148608${ascii('http://a')}8608${ascii('http://b')}`,
    ],
    // onlyContainsUserCerts [1], onlyContainsCACerts [2]: TRUE
    ['user certificates', { only: 'userCertificates' }, '30038101ff'],
    ['CA certificates', { only: 'caCertificates' }, '30038201ff'],
    [
      'user certificates at a place',
      { uris: ['http://a'], only: 'userCertificates' },
      `3011a00ca00a8608${ascii('http://a')}8101ff`,
    ],
  ])('limits a list to %s, critically', async (_, scope, expected) => {
    const extension = (await create({ ...(scope && { scope }) })).extensions.find(
      ({ oid }) => oid === '2.5.29.28',
    );
    expect(extension?.critical).toBe(true);
    expect(hex(extension?.value)).toBe(expected);
  });

  it('marks a delta critically with the number of its base', async () => {
    const list = await create({ number: 300, delta: { baseNumber: 258, released: [] } });
    const extension = list.extensions.find(({ oid }) => oid === '2.5.29.27');
    expect(extension?.critical).toBe(true);
    expect(hex(extension?.value)).toBe('02020102');
    expect(hex(list.extension('2.5.29.20'))).toBe('0202012c');
  });

  it('says where deltas are found, not critically', async () => {
    const list = await create({ freshestCrlUris: ['http://a'] });
    const extension = list.extensions.find(({ oid }) => oid === '2.5.29.46');
    expect(extension?.critical).toBe(false);
    expect(hex(extension?.value)).toBe(`3010300ea00ca00a8608${ascii('http://a')}`);
  });

  it('lists what was released in a delta only, as removeFromCRL, after what was revoked', async () => {
    const later = new Date(now.getTime() + 1000);
    const delta = { baseNumber: 1, released: [{ ...released, releasedAt: later }] };
    const list = await create({ number: 2, revoked: [revoked], delta });
    expect(list.find(ca.certificate.subject, '11')).toMatchObject({
      revokedAt: now,
      reason: 'keyCompromise',
    });
    expect(list.find(ca.certificate.subject, '12')).toMatchObject({
      revokedAt: later,
      reason: 'removeFromCRL',
    });
    expect(list.find(ca.certificate.subject, '13')).toBeUndefined();
  });

  it.each<[string, Partial<CertificateListFields>]>([
    ['a scope that says nothing', { scope: {} }],
    ['a scope of no places', { scope: { uris: [] } }],
    ['a delta as old as its base', { number: 5, delta: { baseNumber: 5, released: [] } }],
    ['a delta older than its base', { number: 5, delta: { baseNumber: 6, released: [] } }],
    [
      'a delta with deltas of its own',
      { number: 5, delta: { baseNumber: 4, released: [] }, freshestCrlUris: uris },
    ],
    [
      'a certificate both revoked and released',
      {
        number: 5,
        revoked: [revoked],
        delta: { baseNumber: 4, released: [{ ...released, serialNumber: '11' }] },
      },
    ],
    ['a place that is not ASCII', { scope: { uris: ['http://müller.example'] } }],
  ])('does not make a list with %s', async (_, changes) => {
    await expect(create(changes)).rejects.toMatchObject({ code: 'VALUE_OUT_OF_RANGE' });
  });

  it.runIf(hasOpenssl)('makes lists that openssl verifies and prints', async () => {
    const folder = await OpensslFolder.create();
    await folder.writeCertificates('ca.pem', ca.certificate);
    const print = async (changes: Partial<CertificateListFields>): Promise<string> => {
      await folder.write('crl.der', (await create(changes)).der);
      const { said } = await folder.openssl(
        'crl',
        '-inform',
        'DER',
        '-in',
        'crl.der',
        '-CAfile',
        'ca.pem',
        '-noout',
        '-text',
      );
      expect(said).toContain('verify OK');
      return said.replaceAll(/\s+/g, ' ');
    };
    const complete = await print({
      number: 7,
      scope: { uris, only: 'userCertificates' },
      freshestCrlUris: ['http://pki.contoso.example/delta.crl'],
      revoked: [revoked],
    });
    expect(complete).toContain('X509v3 CRL Number: 7');
    expect(complete).toMatch(
      /X509v3 Issuing Distribution Point: critical Full Name: URI:http:\/\/pki\.contoso\.example\/ca\.crl Only User Certificates/,
    );
    expect(complete).toMatch(
      /X509v3 Freshest CRL: Full Name: URI:http:\/\/pki\.contoso\.example\/delta\.crl/,
    );
    expect(complete).toMatch(
      /Serial Number: 11 Revocation Date: .* CRL entry extensions: X509v3 CRL Reason Code: Key Compromise/,
    );
    const delta = await print({ number: 9, revoked: [], delta: { baseNumber: 7, released: [released] } });
    expect(delta).toContain('X509v3 Delta CRL Indicator: critical 7');
    expect(delta).toMatch(/Serial Number: 12 Revocation Date: .* X509v3 CRL Reason Code: Remove From CRL/);
    const forCas = await print({ scope: { only: 'caCertificates' } });
    expect(forCas).toContain('critical Only CA Certificates');
  });
});

async function create(changes: Partial<CertificateListFields>): Promise<CertificateList> {
  const der = await createCertificateList(caKey, 'ecdsa-sha256', {
    issuer: ca.certificate.subject,
    authorityKeyIdentifier: ca.certificate.publicKey.keyIdentifier,
    number: 1,
    thisUpdate: now,
    nextUpdate: new Date(now.getTime() + 3_600_000),
    revoked: [],
    ...changes,
  });
  return CertificateList.parse(der);
}

function ascii(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}

function hex(octets: Uint8Array | undefined): string | undefined {
  return octets && Buffer.from(octets).toString('hex');
}
