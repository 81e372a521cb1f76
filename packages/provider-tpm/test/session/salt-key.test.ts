import { createECDH, generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  computeName,
  encodePublicArea,
  objectAttributes,
  parsePublicArea,
  readPublic,
  readPublicUntrusted,
  SaltKey,
  type PublicArea,
} from '../../src/session/index.ts';
import { makeSrk, saltedPool, type SrkKind } from './keys.ts';
import { refusal } from './refusal.ts';
import { Swtpm } from './swtpm.ts';

test.each<SrkKind>(['p256', 'rsa2048'])(
  'a %s storage root key that somebody on the bus put in the place of the real one is found out',
  async (kind) => {
    const tpm = await Swtpm.start();
    const srk = await makeSrk(tpm, kind);
    const fake = encodePublicArea(withForeignKey(parsePublicArea(srk.publicArea)));
    expect(fake.length).toBe(srk.publicArea.length);
    expect((await refusal(() => SaltKey.pin(srk.handle, fake, srk.name))).code).toBe('TPM_KEY_NOT_TRUSTED');
    for (let index = 0; index < srk.publicArea.length; index += 1) {
      const altered = srk.publicArea.map((byte, at) => (at === index ? byte ^ 1 : byte));
      const error = await refusal(() => SaltKey.pin(srk.handle, altered, srk.name));
      expect(['TPM_KEY_NOT_TRUSTED', 'TPM_STRUCTURE_MALFORMED', 'ALGORITHM_NOT_SUPPORTED']).toContain(
        error.code,
      );
    }
    expect(SaltKey.pin(srk.handle, srk.publicArea, srk.name).name).toEqual(srk.name);
  },
);

test('whoever trusts a wrong Name gets no session from the real TPM', async () => {
  const tpm = await Swtpm.start();
  const srk = await makeSrk(tpm);
  const publicArea = encodePublicArea(withForeignKey(parsePublicArea(srk.publicArea)));
  const pool = saltedPool(tpm, { handle: srk.handle, publicArea, name: computeName('sha256', publicArea) });
  expect((await refusal(async () => readPublic(pool, srk.handle))).code).toBe('TPM_REFUSED');
  await pool.close();
});

test('the public area read in a session is the one that was made', async () => {
  const tpm = await Swtpm.start();
  const srk = await makeSrk(tpm);
  const pool = saltedPool(tpm, srk);
  expect(await readPublicUntrusted(tpm, srk.handle)).toEqual(srk);
  expect(await readPublic(pool, srk.handle)).toEqual(srk);
  await pool.close();
});

test('keys that are of no use for salts are refused', async () => {
  const tpm = await Swtpm.start();
  const p256 = parsePublicArea((await makeSrk(tpm)).publicArea);
  const rsa = parsePublicArea((await makeSrk(tpm, 'rsa2048')).publicArea);
  if (p256.type !== 'ecc' || rsa.type !== 'rsa') throw new Error('the templates made other keys');
  const { decrypt, fixedTpm, sensitiveDataOrigin } = objectAttributes;
  const unfit: readonly PublicArea[] = [
    ...[decrypt, fixedTpm, sensitiveDataOrigin].map((attribute) =>
      Object.assign({}, p256, { attributes: p256.attributes & ~attribute }),
    ),
    { ...p256, y: p256.x },
    { ...p256, x: new Uint8Array(), y: new Uint8Array() },
    { ...p256, x: Uint8Array.of(0, ...p256.x) },
    { ...rsa, keyBits: 1024, modulus: rsa.modulus.slice(128) },
    { ...rsa, modulus: rsa.modulus.slice(1) },
  ];
  for (const area of unfit) {
    const publicArea = encodePublicArea(area);
    const error = await refusal(() => SaltKey.pin(0x81000001, publicArea, computeName('sha256', publicArea)));
    expect(error.code).toBe('TPM_KEY_NOT_TRUSTED');
  }
});

test('a public area reads back as it was written, and neither cut short nor longer', async () => {
  const tpm = await Swtpm.start();
  for (const kind of ['p256', 'rsa2048'] as const) {
    const { publicArea } = await makeSrk(tpm, kind);
    expect(encodePublicArea(parsePublicArea(publicArea))).toEqual(publicArea);
    for (let length = 0; length < publicArea.length; length += 1) {
      const error = await refusal(() => parsePublicArea(publicArea.slice(0, length)));
      expect(error.code).toBe('TPM_STRUCTURE_MALFORMED');
    }
    const longer = Uint8Array.of(...publicArea, 0);
    expect((await refusal(() => parsePublicArea(longer))).code).toBe('TPM_STRUCTURE_MALFORMED');
  }
});

function withForeignKey(area: PublicArea): PublicArea {
  if (area.type === 'ecc') {
    const point = createECDH('prime256v1').generateKeys();
    return { ...area, x: point.subarray(1, 33), y: point.subarray(33) };
  }
  const { n } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  return { ...area, modulus: Uint8Array.from(Buffer.from(n ?? '', 'base64url')) };
}
