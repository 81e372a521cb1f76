import { createDiffieHellman, getDiffieHellman } from 'node:crypto';
import type { ErrorCode } from '@countersign/core';
import { integer, nullValue, oid, sequence, unsignedInteger } from '@countersign/core/asn1';
import { generateExportableKey } from '@countersign/hello/trial-domain';
import { beforeAll, expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { aliceSignsIn, enrollAlice, type Enrolled } from './alice-signs-in.ts';
import { forgeReply } from './forged-reply.ts';
import { krbError, paData, typedData, type KrbErrorFields } from './kerberos-der.ts';
import { readAsRequest, readAuthPack } from './read-as-request.ts';
import { startPkinitKdc, startScriptedKdc } from './scripted-kdc.ts';
import { createTestPki } from './test-pki.ts';

let enrolled: Enrolled;

beforeAll(async () => {
  enrolled = await enrollAlice();
});

test.for<[number: number, symbol: string, code: ErrorCode]>([
  [1, 'KDC_ERR_NAME_EXP', 'ACCOUNT_DISABLED'],
  [6, 'KDC_ERR_C_PRINCIPAL_UNKNOWN', 'USER_NOT_FOUND'],
  [14, 'KDC_ERR_ETYPE_NOSUPP', 'ALGORITHM_NOT_SUPPORTED'],
  [16, 'KDC_ERR_PADATA_TYPE_NOSUPP', 'KDC_REFUSED'],
  [18, 'KDC_ERR_CLIENT_REVOKED', 'ACCOUNT_DISABLED'],
  [24, 'KDC_ERR_PREAUTH_FAILED', 'KDC_REFUSED'],
  [29, 'KDC_ERR_SVC_UNAVAILABLE', 'KDC_UNREACHABLE'],
  [37, 'KRB_AP_ERR_SKEW', 'CLOCK_SKEW'],
  [60, 'KRB_ERR_GENERIC', 'KDC_REFUSED'],
  [62, 'KDC_ERR_CLIENT_NOT_TRUSTED', 'CERTIFICATE_NOT_TRUSTED'],
  [64, 'KDC_ERR_INVALID_SIG', 'SIGNATURE_INVALID'],
  [65, 'KDC_ERR_DH_KEY_PARAMETERS_NOT_ACCEPTED', 'ALGORITHM_NOT_SUPPORTED'],
  [66, 'KDC_ERR_CERTIFICATE_MISMATCH', 'CERTIFICATE_NOT_OF_USER'],
  [68, 'KDC_ERR_WRONG_REALM', 'KDC_REFUSED'],
  [70, 'KDC_ERR_CANT_VERIFY_CERTIFICATE', 'CERTIFICATE_NOT_TRUSTED'],
  [71, 'KDC_ERR_INVALID_CERTIFICATE', 'CERTIFICATE_NOT_TRUSTED'],
  [72, 'KDC_ERR_REVOKED_CERTIFICATE', 'CERTIFICATE_REVOKED'],
  [73, 'KDC_ERR_REVOCATION_STATUS_UNKNOWN', 'REVOCATION_UNKNOWN'],
  [75, 'KDC_ERR_CLIENT_NAME_MISMATCH', 'CERTIFICATE_NOT_OF_USER'],
  [77, 'KDC_ERR_INCONSISTENT_KEY_PURPOSE', 'PURPOSE_NOT_PERMITTED'],
  [80, 'KDC_ERR_DIGEST_IN_SIGNED_DATA_NOT_ACCEPTED', 'ALGORITHM_NOT_SUPPORTED'],
  [100, 'KDC_ERR_NO_ACCEPTABLE_KDF', 'ALGORITHM_NOT_SUPPORTED'],
  [4711, 'without a name here', 'KDC_REFUSED'],
])('error %i, %s, is %s', async ([number, symbol, code]) => {
  const first = await startScriptedKdc(() => ({ message: krbError({ code: number }) }));
  const second = await startPkinitKdc(() => ({ message: krbError({ code: number }) }));
  for (const kdc of [first, second]) {
    const error = await refusal(aliceSignsIn(enrolled, kdc), code);
    expect(error.message).toContain(`error ${number}, ${symbol}`);
  }
});

test('bad integrity is what KDCs that take RSA alone say of elliptic curves, of the user or of the CA', async () => {
  const kdc = await startPkinitKdc(() => ({ message: krbError({ code: 31 }) }));
  const ofBoth = await refusal(aliceSignsIn(enrolled, kdc), 'ALGORITHM_NOT_SUPPORTED');
  expect(ofBoth.message).toContain('error 31, KRB_AP_ERR_BAD_INTEGRITY');
  expect(ofBoth.message).toMatch(/RSA alone.*the key of the user is p256, and the key of the CA is p256/u);
  const { pki } = enrolled;
  const rsaKey = await generateExportableKey('rsa2048');
  const alice = { pki, key: rsaKey, certificate: await pki.enroll(rsaKey, 'alice') };
  const ofCa = await refusal(aliceSignsIn(alice, kdc), 'ALGORITHM_NOT_SUPPORTED');
  expect(ofCa.message).not.toContain('the key of the user');
  expect(ofCa.message).toContain('the key of the CA is p256');
});

test('bad integrity is nothing that can be explained without elliptic curves', async () => {
  const kdc = await startPkinitKdc(() => ({ message: krbError({ code: 31 }) }));
  const pki = await createTestPki(new Date(), 'CN=RSA CA', 'rsa2048');
  const key = await generateExportableKey('rsa2048');
  const certificate = await pki.enroll(key, 'alice');
  await refusal(aliceSignsIn({ pki, key, certificate }, kdc), 'KDC_REFUSED');
});

test('the words of the KDC are shown, without what a terminal would act upon', async () => {
  const error = await signInMeets(
    { code: 60, text: 'no \u001b[31mluck\u0000\n'.padEnd(1000, '!') },
    'KDC_REFUSED',
  );
  expect(error).toContain('"no [31mluck!!!');
  expect(error).not.toMatch(/[\p{Cc}]/u);
  expect(error.length).toBeLessThan(400);
});

test('both clocks are named where they differ', async () => {
  const serverTime = new Date('2020-01-01T00:00:00Z');
  expect(await signInMeets({ code: 37, serverTime }, 'CLOCK_SKEW')).toContain(
    '2020-01-01T00:00:00.000Z there',
  );
});

test('an error that is cut off is malformed', async () => {
  const whole = krbError({ code: 60, text: 'reason' });
  for (let length = 1; length < whole.length; length++) {
    const kdc = await startPkinitKdc(() => ({ message: whole.subarray(0, length) }));
    await refusal(aliceSignsIn(enrolled, kdc), 'KDC_REPLY_MALFORMED');
  }
});

test.for([
  ['TYPED-DATA', typedData],
  ['METHOD-DATA', paData],
] as const)('the group that the KDC names in %s is the next to be tried', async ([, wrap]) => {
  const primes: number[] = [];
  const kdc = await startPkinitKdc(async (asRequest) => {
    const { prime } = readAuthPack(readAsRequest(asRequest));
    primes.push(prime.length);
    if (prime.length === 512) return { message: await forgeReply(asRequest, enrolled.kdc) };
    const parameters = sequence(sequence(oid('1.2.3'), nullValue()), groupOf('modp16'), groupOf('modp14'));
    return { message: krbError({ code: 65, data: sequence(wrap(109, parameters)) }) };
  });
  const ticket = await aliceSignsIn(enrolled, kdc);
  expect(ticket.agreement.dhGroup).toBe(16);
  expect(primes).toStrictEqual([256, 512]);
});

test('a KDC that names only groups that are weak, unknown or refused before is given up', async () => {
  const weak = createDiffieHellman(getDiffieHellman('modp2').getPrime(), 2).getPrime();
  for (const parameters of [[], [group(weak)], [groupOf('modp14')]]) {
    const data = sequence(typedData(109, sequence(...parameters)));
    await signInMeets({ code: 65, data }, 'ALGORITHM_NOT_SUPPORTED');
  }
});

test('a KDC that refuses both groups in turn is given up', async () => {
  const data = sequence(typedData(109, sequence(groupOf('modp14'), groupOf('modp16'))));
  await signInMeets({ code: 65, data }, 'ALGORITHM_NOT_SUPPORTED');
});

test('e-data that cannot be read is malformed', async () => {
  await signInMeets({ code: 65, data: Uint8Array.of(0x30, 0x05, 0x01) }, 'KDC_REPLY_MALFORMED');
});

async function signInMeets(error: KrbErrorFields, code: ErrorCode): Promise<string> {
  const kdc = await startPkinitKdc(() => ({ message: krbError(error) }));
  return (await refusal(aliceSignsIn(enrolled, kdc), code)).message;
}

function groupOf(name: 'modp14' | 'modp16'): Uint8Array {
  return group(getDiffieHellman(name).getPrime());
}

/** AlgorithmIdentifier of Diffie-Hellman with DomainParameters. */
function group(prime: Uint8Array): Uint8Array {
  return sequence(oid('1.2.840.10046.2.1'), sequence(unsignedInteger(prime), integer(2)));
}
