import { CertificateList, CountersignError, encodePem, findPath, type Certificate } from '@countersign/core';
import { expect } from 'vitest';
import { OpensslFolder } from '../ocsp/openssl.ts';

export type Verdict = 'good' | 'revoked' | 'unknown';

/** What a relying party says of a certificate, given these CRLs (DER) of its issuer. */
export interface RelyingParty {
  readonly target: Certificate;
  readonly ca: Certificate;
  readonly at: Date;
}

/** Our own path validation. */
export function ourVerdict({ target, ca, at }: RelyingParty, ...crls: readonly Uint8Array[]): Verdict {
  const certificateLists = crls.map((crl) => CertificateList.parse(crl));
  try {
    findPath(target, { trustAnchors: [ca], certificates: [], certificateLists, at });
    return 'good';
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    if (error.code === 'CERTIFICATE_REVOKED') return 'revoked';
    expect(error.code).toBe('REVOCATION_UNKNOWN');
    return 'unknown';
  }
}

/** That of `openssl verify`, which applies deltas. */
export async function opensslVerdict(
  { target, ca, at }: RelyingParty,
  ...crls: readonly Uint8Array[]
): Promise<Verdict> {
  const folder = await OpensslFolder.create();
  await folder.writeCertificates('ca.pem', ca);
  await folder.writeCertificates('target.pem', target);
  await folder.write('crls.pem', crls.map((crl) => encodePem('X509 CRL', crl)).join(''));
  const time = ['-attime', String(Math.floor(at.getTime() / 1000)), '-x509_strict'];
  const lists = ['-crl_check', '-extended_crl', '-use_deltas', '-CRLfile', 'crls.pem'];
  const { said } = await folder.openssl('verify', ...time, '-CAfile', 'ca.pem', ...lists, 'target.pem');
  if (said.includes('target.pem: OK')) return 'good';
  if (said.includes('certificate revoked')) return 'revoked';
  expect(said).toMatch(/CRL/u);
  return 'unknown';
}

/** What `openssl crl -text` makes of a CRL whose signature it has verified; runs of white space are one space. */
export async function opensslText(ca: Certificate, crl: Uint8Array): Promise<string> {
  const folder = await OpensslFolder.create();
  await folder.writeCertificates('ca.pem', ca);
  await folder.write('crl.der', crl);
  const input = ['-inform', 'DER', '-in', 'crl.der'];
  const verified = await folder.openssl('crl', ...input, '-verify', '-CAfile', 'ca.pem', '-noout');
  expect(verified.status).toBe(0);
  expect(verified.said).toContain('verify OK');
  const { said } = await folder.openssl('crl', ...input, '-text', '-noout');
  return said.replaceAll(/\s+/gu, ' ');
}
