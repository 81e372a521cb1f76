import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { makeCertificate } from './make-certificate.ts';
import { makeScene, utf8 } from './scene.ts';

const pin = utf8('482913');

test('certificates lie beside their keys, are replaced and removed, without the PIN', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const key = await provider.generate({ algorithm: 'p256', label: 'beside', pin });
  const bare = await provider.generate({ algorithm: 'rsa2048', label: 'bare', pin });
  const certificate = await makeCertificate(key, 'Alice');
  const renewed = await makeCertificate(key, 'Alice');
  key.lock();
  expect(await provider.getCertificate(key.ref)).toBeUndefined();
  await provider.putCertificate(key.ref, certificate);
  await provider.putCertificate(key.ref, certificate);
  expect(await provider.getCertificate(key.ref)).toEqual(certificate);
  expect(await provider.getCertificate(bare.ref)).toBeUndefined();
  expect(await provider.listCertificates()).toEqual([{ ref: key.ref, certificate }]);
  await provider.putCertificate(key.ref, renewed);
  expect(await provider.getCertificate(key.ref)).toEqual(renewed);
  await provider.close();
  const next = await scene.provider();
  expect(await next.listCertificates()).toEqual([{ ref: key.ref, certificate: renewed }]);
  await next.removeCertificate(key.ref);
  await next.removeCertificate(key.ref);
  expect(await next.listCertificates()).toEqual([]);
});

test('a certificate of another key, or none at all, is refused and changes nothing', async () => {
  const provider = await (await makeScene()).provider();
  const key = await provider.generate({ algorithm: 'p256', label: 'a', pin });
  const other = await provider.generate({ algorithm: 'p256', label: 'b', pin });
  const certificate = await makeCertificate(key, 'A');
  await provider.putCertificate(key.ref, certificate);
  const foreign = await makeCertificate(other, 'B');
  const mismatch = await refusal(async () => provider.putCertificate(key.ref, foreign));
  expect(mismatch.code).toBe('CERTIFICATE_KEY_MISMATCH');
  for (const bytes of [new Uint8Array(), utf8('hello'), certificate.subarray(0, -1), key.publicKey]) {
    expect((await refusal(async () => provider.putCertificate(key.ref, bytes))).code).toBe('DER_MALFORMED');
  }
  expect(await provider.getCertificate(key.ref)).toEqual(certificate);
  await provider.destroy(key.ref);
  expect(await provider.listCertificates()).toEqual([]);
  expect((await refusal(async () => provider.getCertificate(key.ref))).code).toBe('KEY_NOT_FOUND');
});
