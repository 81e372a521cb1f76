import {
  CertificateList,
  CertificationAuthority,
  createCertificationRequest,
  parseAuthorityKeyIdentifier,
  type Certificate,
  type Extension,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { hasOpenssl } from '../ocsp/openssl.ts';
import { opensslVerdict, ourVerdict } from './crl-verdicts.ts';
import { hex } from './der.ts';
import { agentName, createEnrollment, now } from './enrollment-fixture.ts';
import { caCertificateByHand, subjectKeyIdentifierOf } from './handmade-certificate.ts';
import { softwareKey } from './software-key.ts';

const akiOid = '2.5.29.35';

/** RFC 5280 4.2.1.2 leaves it to the CA how its identifier is made. */
test.each<[string, Uint8Array]>([
  ['a counter', Uint8Array.of(7)],
  ['SHA-256 of something (RFC 7093)', new Uint8Array(32).fill(0xa5)],
  ['as long as SHA-1, but not of this key', new Uint8Array(20).fill(0x5a)],
])('what a CA signs points at the SKI that its certificate has: %s', async (_, keyIdentifier) => {
  const { ca, target } = await createCa([subjectKeyIdentifierOf(keyIdentifier)]);
  expect(hex(ca.certificate.publicKey.keyIdentifier)).not.toBe(hex(keyIdentifier));
  const crls = [await ca.createCrl(), await ca.createDeltaCrl()];
  for (const signed of [target, ...crls.map((crl) => CertificateList.parse(crl))]) {
    expect(akiOf(signed)).toBe(hex(keyIdentifier));
  }
  const relyingParty = { target, ca: ca.certificate, at: now };
  expect(ourVerdict(relyingParty, ...crls)).toBe('good');
  // openssl takes an issuer only if the identifiers fit.
  if (hasOpenssl) expect(await opensslVerdict(relyingParty, ...crls)).toBe('good');
});

test('under a CA certificate without SKI, it is SHA-1 of the key (RFC 5280 4.2.1.2 (1))', async () => {
  const { ca, target } = await createCa([]);
  const crl = CertificateList.parse(await ca.createCrl());
  for (const signed of [target, crl]) expect(akiOf(signed)).toBe(hex(ca.certificate.publicKey.keyIdentifier));
});

async function createCa(
  extensions: readonly Extension[],
): Promise<{ readonly ca: CertificationAuthority; readonly target: Certificate }> {
  const { caKey, caOptions } = await createEnrollment();
  const certificate = await caCertificateByHand(caKey, extensions);
  const deltaCrlUris = ['http://pki.contoso.example/delta.crl'];
  const ca = new CertificationAuthority({ ...caOptions, certificate, deltaCrlUris });
  const request = await createCertificationRequest(await softwareKey('p256'));
  const target = await ca.issueForOperator(request, { profile: 'enrollment-agent', subject: agentName });
  return { ca, target };
}

function akiOf(signed: Pick<Certificate, 'extension'>): string | undefined {
  const value = signed.extension(akiOid);
  return value === undefined ? undefined : hex(parseAuthorityKeyIdentifier(value));
}
