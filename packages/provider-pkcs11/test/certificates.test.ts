import { beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate } from './make-certificate.ts';
import { moduleMakers, providerOn, userPin, utf8, type ModuleUnderTest } from './module-under-test.ts';
import { refusal } from './refusal.ts';

const pin = utf8(userPin);

describe.each(Object.entries(moduleMakers))('%s', (_, make) => {
  let module: ModuleUnderTest;
  beforeAll(async () => {
    module = await make();
  });

  test('certificates lie beside their keys, are replaced and removed', async () => {
    const provider = await providerOn(module);
    const key = await provider.generate({ algorithm: 'p256', label: 'beside', pin });
    const bare = await provider.generate({ algorithm: 'rsa2048', label: 'bare', pin });
    const certificate = await makeCertificate(key, 'Alice');
    expect(await provider.getCertificate(key.ref)).toBeUndefined();
    await provider.putCertificate(key.ref, certificate);
    await provider.putCertificate(key.ref, certificate);
    expect(await provider.getCertificate(key.ref)).toEqual(certificate);
    expect(await provider.getCertificate(bare.ref)).toBeUndefined();
    expect(await provider.listCertificates()).toEqual([{ ref: key.ref, certificate }]);
    const renewed = await makeCertificate(key, 'Alice');
    await provider.putCertificate(key.ref, renewed);
    expect(await provider.getCertificate(key.ref)).toEqual(renewed);
    expect(await provider.listCertificates()).toHaveLength(1);
    await provider.removeCertificate(key.ref);
    await provider.removeCertificate(key.ref);
    expect(await provider.listCertificates()).toEqual([]);
    await provider.destroy(key.ref);
    await provider.destroy(bare.ref);
  });

  test('keys of one label have certificates of different subjects, and a renewal may change the subject', async () => {
    const provider = await providerOn(module);
    const twins = [
      await provider.generate({ algorithm: 'p256', label: 'twin', pin }),
      await provider.generate({ algorithm: 'p256', label: 'twin', pin }),
    ];
    for (const [index, key] of twins.entries()) {
      for (const name of [`Alice ${index}`, `Alice ${index}, married`, `Alice ${index}`]) {
        const certificate = await makeCertificate(key, name.replace(',', ' '));
        await provider.putCertificate(key.ref, certificate);
        expect(await provider.getCertificate(key.ref)).toEqual(certificate);
      }
    }
    expect(await provider.listCertificates()).toHaveLength(2);
    for (const { ref } of twins) await provider.destroy(ref);
    expect(await provider.listCertificates()).toEqual([]);
  });

  test('a certificate of another key, or none at all, is refused and changes nothing', async () => {
    const provider = await providerOn(module);
    const key = await provider.generate({ algorithm: 'p256', label: 'a', pin });
    const other = await provider.generate({ algorithm: 'p256', label: 'b', pin });
    const certificate = await makeCertificate(key, 'A');
    await provider.putCertificate(key.ref, certificate);
    const foreign = await makeCertificate(other, 'B');
    const mismatch = await refusal(async () => provider.putCertificate(key.ref, foreign));
    expect(mismatch.code).toBe('CERTIFICATE_KEY_MISMATCH');
    for (const bytes of [new Uint8Array(), utf8('hello'), certificate.subarray(0, -1), key.publicKey]) {
      const error = await refusal(async () => provider.putCertificate(key.ref, bytes));
      expect(error.code).toBe('DER_MALFORMED');
    }
    expect(await provider.getCertificate(key.ref)).toEqual(certificate);
    await provider.destroy(key.ref);
    expect(await provider.listCertificates()).toEqual([]);
    await provider.destroy(other.ref);
  });

  test('changes to a token need its PIN, reading certificates does not', async () => {
    const provider = await providerOn(module);
    const key = await provider.generate({ algorithm: 'p256', label: 'c', pin });
    const certificate = await makeCertificate(key, 'C');
    await provider.putCertificate(key.ref, certificate);
    key.lock();
    for (const change of [
      async () => provider.putCertificate(key.ref, certificate),
      async () => provider.removeCertificate(key.ref),
      async () => provider.destroy(key.ref),
      async () => provider.generate({ algorithm: 'p256' }),
    ]) {
      expect((await refusal(change)).code).toBe('PIN_REQUIRED');
    }
    expect(await provider.getCertificate(key.ref)).toEqual(certificate);
    await key.unlock(pin);
    await provider.destroy(key.ref);
    expect(await provider.list()).toEqual([]);
  });
});
