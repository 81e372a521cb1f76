import { createHash } from 'node:crypto';
import { verifySignedBy } from '@countersign/core';
import { context, octetString, oid, sequence } from '@countersign/core/asn1';
import { formatPrincipal, type SignInOptions } from '@countersign/hello/sign-in';
import { createMemoryProvider } from '@countersign/provider-memory';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { aliceSignsIn, enrollAlice, type Enrolled } from './alice-signs-in.ts';
import { generateExportableKey } from '@countersign/hello/trial-domain';
import { forgeReply } from './forged-reply.ts';
import { paData } from './kerberos-der.ts';
import { readAsRequest, readAuthPack, type ReceivedRequest } from './read-as-request.ts';
import { startPkinitKdc } from './scripted-kdc.ts';
import { realm } from './test-pki.ts';

let enrolled: Enrolled;

beforeAll(async () => {
  enrolled = await enrollAlice();
});

test("the request is signed with the user's key, over the whole of what is asked for", async () => {
  const request = await signedRequestOf({});
  const { signedData, paChecksum, nonce, time } = readAuthPack(request);
  expect(signedData.eContentType).toBe('1.3.6.1.5.2.3.1');
  const [signerInfo] = signedData.signerInfos;
  if (signerInfo === undefined) throw new Error('nobody signed');
  expect(signedData.certificates.map(({ der }) => hex(der))).toStrictEqual([hex(enrolled.certificate.der)]);
  verifySignedBy(enrolled.certificate.publicKey, signedData, signerInfo);
  expect(hex(paChecksum)).toBe(digest('sha1', request.body));
  expect(nonce).toBe(request.nonce);
  expect(Math.abs(time.getTime() - Date.now())).toBeLessThan(60_000);
});

test('no two requests have a nonce or a Diffie-Hellman value in common', async () => {
  const first = await signedRequestOf({});
  const second = await signedRequestOf({});
  expect(second.nonce).not.toBe(first.nonce);
  expect(hex(readAuthPack(second).publicValue)).not.toBe(hex(readAuthPack(first).publicValue));
});

test('algorithms are offered best first', async () => {
  const request = await signedRequestOf({});
  expect(readAuthPack(request).supportedKdfs).toStrictEqual(['1.3.6.1.5.2.3.6.3', '1.3.6.1.5.2.3.6.2']);
  expect(readAuthPack(request).supportedCmsTypes).toContain('2.16.840.1.101.3.4.2.1');
  expect(readAuthPack(request).supportedCmsTypes).toContain('1.2.840.113549.1.1.11');
  expect(request.encryptionTypes).toStrictEqual([20, 18, 19, 17]);
  const encryptionTypes = ['aes256-cts-hmac-sha1-96'] as const;
  expect((await signedRequestOf({ encryptionTypes })).encryptionTypes).toStrictEqual([18]);
});

test('freshness token and cookie go back as they came', async () => {
  const token = Buffer.from('a token');
  const cookie = Buffer.from('a cookie');
  const methods = [paData(16, new Uint8Array()), paData(150, token), paData(133, cookie)];
  const request = await signedRequestOf({}, methods);
  expect(hex(readAuthPack(request).freshnessToken ?? new Uint8Array())).toBe(hex(token));
  expect(hex(request.paData.get(133) ?? new Uint8Array())).toBe(hex(cookie));
  expect(readAuthPack(await signedRequestOf({})).freshnessToken).toBeUndefined();
});

test('a checksum with SHA-256 goes to KDCs that know freshness tokens, and to no others', async () => {
  const request = await signedRequestOf({}, [paData(16, new Uint8Array()), paData(150, new Uint8Array(9))]);
  const sha256 = Buffer.from(digest('sha256', request.body), 'hex');
  const algorithm = sequence(oid('2.16.840.1.101.3.4.2.1'));
  const expected = sequence(context(0, octetString(sha256)), context(1, algorithm));
  expect(hex(readAuthPack(request).paChecksum2 ?? new Uint8Array())).toBe(hex(expected));
  expect(readAuthPack(await signedRequestOf({})).paChecksum2).toBeUndefined();
});

test('a KDC that gives two freshness tokens is not followed', async () => {
  const methods = [
    paData(16, new Uint8Array()),
    paData(150, new Uint8Array(1)),
    paData(150, new Uint8Array(2)),
  ];
  await refusal(signedRequestOf({}, methods), 'KDC_REPLY_MALFORMED');
});

test('a KDC that does not offer PKINIT is not sent a signature', async () => {
  const error = await refusal(signedRequestOf({}, [paData(2, new Uint8Array())]), 'KDC_REFUSED');
  expect(error.message).toContain('does not offer');
});

test('certificates of CAs are enclosed on demand', async () => {
  const { caCertificate } = enrolled.pki;
  const enclosed = readAuthPack(await signedRequestOf({ issuers: [caCertificate] })).signedData.certificates;
  expect(new Set(enclosed.map(({ der }) => hex(der)))).toStrictEqual(
    new Set([enrolled.certificate, caCertificate].map(({ der }) => hex(der))),
  );
});

test('the ticket is asked for as long as the options say', async () => {
  const second = Math.floor(Date.now() / 1000);
  const clock = (): Date => new Date(second * 1000 + 890);
  expect((await signedRequestOf({ clock })).till).toStrictEqual(new Date((second + 36_000) * 1000));
  const shorter = await signedRequestOf({ clock, lifetimeSeconds: 60 });
  expect(shorter.till).toStrictEqual(new Date((second + 60) * 1000));
});

test('a user principal name may be answered with the name behind it, any other name may not', async () => {
  const kdc = await startPkinitKdc(async (asRequest) => ({
    message: await forgeReply(asRequest, enrolled.kdc, { keyDerivation: undefined, client: ['a.lice'] }),
  }));
  const { client } = await aliceSignsIn(enrolled, kdc, { user: 'alice@contoso.test' });
  expect(formatPrincipal(client)).toBe(`a.lice@${realm}`);
  await refusal(aliceSignsIn(enrolled, kdc), 'KDC_REPLY_MISMATCH');
});

test('a certificate that is not for the key is not sent', async () => {
  const key = await generateExportableKey('p256');
  const nowhere = { host: '127.0.0.1', port: 9 };
  await refusal(aliceSignsIn({ ...enrolled, key }, nowhere), 'CERTIFICATE_KEY_MISMATCH');
});

test('a key that cannot make CMS signatures does not sign in', async () => {
  const provider = await createMemoryProvider();
  onTestFinished(async () => provider.close());
  const key = await provider.generate({ algorithm: 'ed25519' });
  const certificate = await enrolled.pki.enroll(key, 'alice');
  const kdc = await startPkinitKdc(() => 'silence');
  await refusal(aliceSignsIn({ ...enrolled, key, certificate }, kdc), 'SCHEME_NOT_SUPPORTED');
});

test.for<[what: string, options: Partial<SignInOptions>]>([
  ['no encryption type', { encryptionTypes: [] }],
  ['no time', { lifetimeSeconds: 0 }],
  ['a fraction of a second', { renewableSeconds: 0.5 }],
  ['an endless wait', { timeoutMs: Number.POSITIVE_INFINITY }],
  ['a skew that is no number', { maxClockSkewSeconds: Number.NaN }],
  ['a user without a name', { user: '' }],
  ['a user with a line break', { user: 'alice\n' }],
  ['a realm without a name', { realm: '' }],
])('options with %s are refused before anything is sent', async ([, options]) => {
  const nowhere = { host: '127.0.0.1', port: 9 };
  await refusal(aliceSignsIn(enrolled, nowhere, options), 'VALUE_OUT_OF_RANGE');
});

/** What the KDC gets to see of a sign-in, which then ends for want of an answer. */
async function signedRequestOf(
  options: Partial<SignInOptions>,
  methods?: readonly Uint8Array[],
): Promise<ReceivedRequest> {
  let received: ReceivedRequest | undefined;
  const kdc = await startPkinitKdc((asRequest) => {
    received = readAsRequest(asRequest);
    return { octets: new Uint8Array() };
  }, methods);
  const error: unknown = await aliceSignsIn(enrolled, kdc, options).catch((reason: unknown) => reason);
  if (received === undefined) throw error;
  return received;
}

function digest(hash: string, octets: Uint8Array): string {
  return createHash(hash).update(octets).digest('hex');
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}
