import { randomBytes } from 'node:crypto';
import { createRootCertificate, isPinProtected, Name, PublicKey, verifySignature } from '@countersign/core';
import { parseTpmUri } from '@countersign/provider-tpm';
import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { message, pin, providerOn, swtpm, temporaryDirectory, verifies } from './running-provider.ts';

test('makes every algorithm that it reports, and signs with every scheme', async () => {
  const provider = await providerOn(await swtpm());
  const { algorithms } = provider.info;
  expect(algorithms.slice(0, 2)).toEqual(['p256', 'rsa2048']);
  expect(algorithms).toEqual(expect.arrayContaining(['p384', 'rsa3072']));
  for (const algorithm of algorithms) {
    const key = await provider.generate({ algorithm, label: `a ${algorithm}`, pin });
    expect(key.algorithm).toBe(algorithm);
    expect(key.schemes.length).toBeGreaterThan(1);
    for (const scheme of key.schemes) {
      const signed = randomBytes(100);
      const signature = await key.sign(scheme, signed);
      const publicKey = PublicKey.parse(key.publicKey);
      expect(verifySignature(publicKey, scheme, signed, signature)).toBe(true);
      signed[0] = (signed[0] ?? 0) ^ 1;
      expect(verifySignature(publicKey, scheme, signed, signature)).toBe(false);
    }
  }
});

test('a reference opens that key alone, which comes back locked', async () => {
  const tpm = await swtpm();
  const storeDirectory = await temporaryDirectory();
  const provider = await providerOn(tpm, { storeDirectory });
  const made = await provider.generate({ algorithm: 'p256', label: 'twin ü;?&', pin });
  const other = await provider.generate({ algorithm: 'p256', label: 'twin ü;?&', pin });
  expect(parseTpmUri(made.ref)).toMatchObject({
    store: storeDirectory,
    transport: tpm.uri.replace(/:(?=\d+$)/, '%3A'),
  });
  expect((await provider.list()).map(({ ref }) => ref).toSorted()).toEqual([made.ref, other.ref].toSorted());
  expect((await provider.list()).map(({ label }) => label)).toEqual(['twin ü;?&', 'twin ü;?&']);
  const opened = await provider.open(made.ref);
  if (!isPinProtected(opened)) return expect.unreachable();
  expect(opened.locked).toBe(true);
  expect((await refusal(async () => opened.sign('ecdsa-sha256', message))).code).toBe('PIN_REQUIRED');
  await opened.unlock(pin);
  expect(await verifies(opened, 'ecdsa-sha256')).toBe(true);
  const ambiguous = await refusal(async () => provider.open('tpm:object=twin%20%C3%BC%3B%3F%26'));
  expect(ambiguous.code).toBe('KEY_AMBIGUOUS');
  expect(ambiguous.message).toContain(other.ref);
  expect((await refusal(async () => provider.open('tpm:object=nobody'))).code).toBe('KEY_NOT_FOUND');
  for (const elsewhere of ['tpm:object=x?store=/other', 'tpm:device=%2Fdev%2Ftpm9;object=x']) {
    expect((await refusal(async () => provider.open(elsewhere))).code).toBe('KEY_HELD_ELSEWHERE');
  }
});

test('a destroyed key is gone, with its certificate, for whoever has it open', async () => {
  const provider = await providerOn(await swtpm());
  const key = await provider.generate({ algorithm: 'p256', pin });
  const kept = await provider.generate({ algorithm: 'p256', label: 'kept' });
  const certificate = await createRootCertificate(key, Name.fromString('CN=A'), new Date());
  await provider.putCertificate(key.ref, certificate.der);
  await provider.destroy(key.ref);
  for (const use of [
    async () => key.sign('ecdsa-sha256', message),
    async () => key.unlock(pin),
    async () => key.attest(message),
    async () => provider.open(key.ref),
    async () => provider.destroy(key.ref),
    async () => provider.getCertificate(key.ref),
  ]) {
    expect((await refusal(use)).code).toBe('KEY_NOT_FOUND');
  }
  expect(await provider.listCertificates()).toEqual([]);
  expect((await provider.list()).map(({ ref }) => ref)).toEqual([kept.ref]);
  expect(await verifies(kept, 'ecdsa-sha256')).toBe(true);
});

test('certificates lie beside the keys that they certify, and beside no others', async () => {
  const provider = await providerOn(await swtpm());
  const key = await provider.generate({ algorithm: 'p256', pin });
  const other = await provider.generate({ algorithm: 'rsa2048', pin });
  const certificate = await createRootCertificate(key, Name.fromString('CN=A'), new Date());
  expect((await refusal(async () => provider.putCertificate(other.ref, certificate.der))).code).toBe(
    'CERTIFICATE_KEY_MISMATCH',
  );
  expect(await provider.getCertificate(key.ref)).toBeUndefined();
  await provider.putCertificate(key.ref, certificate.der);
  const { der } = await createRootCertificate(key, Name.fromString('CN=B'), new Date());
  await provider.putCertificate(key.ref, der);
  expect(await provider.listCertificates()).toEqual([{ ref: key.ref, certificate: der }]);
  await provider.removeCertificate(key.ref);
  expect(await provider.getCertificate(key.ref)).toBeUndefined();
});

test('a message that changes while it is signed does not change what is signed', async () => {
  const provider = await providerOn(await swtpm());
  const key = await provider.generate({ algorithm: 'rsa2048', pin });
  const signed = randomBytes(500);
  const original = Uint8Array.from(signed);
  const signing = Array.from({ length: 6 }, async () => key.sign('rsa-pss-sha256', signed));
  signed.fill(0);
  for (const signature of await Promise.all(signing)) {
    expect(verifySignature(PublicKey.parse(key.publicKey), 'rsa-pss-sha256', original, signature)).toBe(true);
  }
});

test('after close nothing works, and a new provider finds the keys', async () => {
  const tpm = await swtpm();
  const storeDirectory = await temporaryDirectory();
  const provider = await providerOn(tpm, { storeDirectory });
  const key = await provider.generate({ algorithm: 'p256', label: 'lasting', pin });
  await provider.close();
  await provider.close();
  for (const use of [
    async () => key.sign('ecdsa-sha256', message),
    async () => key.unlock(pin),
    async () => key.attest(message),
    async () => provider.list(),
    async () => provider.open(key.ref),
    async () => provider.generate({ algorithm: 'p256', pin }),
    async () => provider.destroy(key.ref),
    async () => provider.attestationIdentity(),
  ]) {
    expect((await refusal(use)).code).toBe('PROVIDER_CLOSED');
  }
  expect(key.locked).toBe(true);
  const again = await (await providerOn(tpm, { storeDirectory })).open('tpm:object=lasting');
  if (!isPinProtected(again)) return expect.unreachable();
  await again.unlock(pin);
  expect(await verifies(again, 'ecdsa-sha256')).toBe(true);
});

test('signatures that are under way when it closes end in one or the other', async () => {
  const provider = await providerOn(await swtpm());
  const key = await provider.generate({ algorithm: 'p256', pin });
  const signing = Array.from({ length: 10 }, async () => key.sign('ecdsa-sha256', message));
  const closing = provider.close();
  const settled = await Promise.allSettled(signing);
  await closing;
  for (const outcome of settled) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'PROVIDER_CLOSED' });
    else expect(outcome.value.length).toBeGreaterThan(60);
  }
});

test.each([
  ['ALGORITHM_NOT_SUPPORTED', { algorithm: 'ed25519' }],
  ['VALUE_OUT_OF_RANGE', { algorithm: 'p256', label: '\ud800' }],
  ['VALUE_OUT_OF_RANGE', { algorithm: 'p256', label: 'x'.repeat(256) }],
] as const)('%s for %j, and nothing is made', async (code, spec) => {
  const provider = await providerOn(await swtpm());
  expect((await refusal(async () => provider.generate({ ...spec, pin }))).code).toBe(code);
  expect(await provider.list()).toEqual([]);
});

test('a scheme of another kind of key is refused, with those that there are', async () => {
  const provider = await providerOn(await swtpm());
  const key = await provider.generate({ algorithm: 'p256', pin });
  const error = await refusal(async () => key.sign('rsa-pss-sha256', message));
  expect(error.code).toBe('SCHEME_NOT_SUPPORTED');
  expect(error.hint).toContain('ecdsa-sha256');
});
