import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodePemOrDer, encodePem } from '@countersign/core';
import { boolean, context, octetString, oid, sequence, unsignedInteger } from '@countersign/core/asn1';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeTss2PrivateKey, parseTss2PrivateKey } from '../../src/keys/tss2-private-key.ts';
import { refusal } from '../refusal.ts';
import { pin, providerOn, swtpm, temporaryDirectory } from './running-provider.ts';

const loadable = '2.23.133.10.1.3';
const areas = fc.uint8Array({ maxLength: 300 });

describe('a TSS2 PRIVATE KEY', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(
        areas,
        areas,
        fc.nat(0xffffffff),
        fc.boolean(),
        (publicArea, privateArea, parent, emptyAuth) => {
          const key = { publicArea, privateArea, parent, emptyAuth };
          const pem = Buffer.from(encodeTss2PrivateKey(key));
          expect(parseTss2PrivateKey(pem)).toEqual(key);
          expect(parseTss2PrivateKey(decodePemOrDer(pem, ['TSS2 PRIVATE KEY']))).toEqual(key);
        },
      ),
    );
  });

  test('of other writers: a handle in 32 bits is a negative number, TRUE is 1, the description is skipped', () => {
    const handle = Uint8Array.of(2, 4, 0x81, 0, 0, 1);
    const description = context(4, Uint8Array.of(0x0c, 1, 0x78));
    const written = file(
      oid(loadable),
      context(0, Uint8Array.of(1, 1, 1)),
      description,
      handle,
      area(1),
      area(2),
    );
    expect(parseTss2PrivateKey(written)).toEqual({
      parent: 0x81000001,
      emptyAuth: true,
      publicArea: Uint8Array.of(1),
      privateArea: Uint8Array.of(2),
    });
  });

  const parent = unsignedInteger(Uint8Array.of(0x81, 0, 0, 1));
  test.each([
    ['an importable key', 'KEY_NOT_ACCEPTABLE', [oid('2.23.133.10.1.4'), parent, area(1), area(2)]],
    ['a policy', 'KEY_NOT_ACCEPTABLE', [oid(loadable), context(1, sequence()), parent, area(1), area(2)]],
    ['a secret', 'KEY_NOT_ACCEPTABLE', [oid(loadable), context(2, octetString()), parent, area(1), area(2)]],
    [
      'several policies',
      'KEY_NOT_ACCEPTABLE',
      [oid(loadable), context(3, sequence()), parent, area(1), area(2)],
    ],
    ['no private area', 'DER_MALFORMED', [oid(loadable), parent, area(1)]],
    ['something at its end', 'DER_MALFORMED', [oid(loadable), parent, area(1), area(2), boolean(true)]],
    [
      'a handle of six octets',
      'DER_MALFORMED',
      [oid(loadable), Uint8Array.of(2, 6, 0, 1, 2, 3, 4, 5), area(1), area(2)],
    ],
    [
      'a size that does not fit',
      'DER_MALFORMED',
      [oid(loadable), parent, octetString(Uint8Array.of(0, 9, 1)), area(2)],
    ],
    [
      'a boolean of two octets',
      'DER_MALFORMED',
      [oid(loadable), context(0, Uint8Array.of(1, 2, 0, 0)), parent, area(1), area(2)],
    ],
  ])('with %s is refused', async (_, code, parts) => {
    expect((await refusal(() => parseTss2PrivateKey(file(...parts)))).code).toBe(code);
  });
});

describe('a file in the store', () => {
  test('keeps any label in ASCII before the PEM block', async () => {
    const tpm = await swtpm();
    const storeDirectory = await temporaryDirectory();
    const provider = await providerOn(tpm, { storeDirectory });
    const label = 'künftig "für" 😀\n-----BEGIN\\';
    await provider.generate({ algorithm: 'p256', label, pin });
    const [path = ''] = await keyFiles(storeDirectory);
    expect(await readFile(path, 'latin1')).toMatch(
      /^Label: "k\\u00fcnftig [ -~]*\n-----BEGIN TSS2 PRIVATE KEY-----\n/,
    );
    expect(await provider.list()).toMatchObject([{ label }]);
  });

  test('that is damaged, or under another key’s name, is named and never used', async () => {
    const tpm = await swtpm();
    const storeDirectory = await temporaryDirectory();
    const provider = await providerOn(tpm, { storeDirectory });
    const key = await provider.generate({ algorithm: 'p256', pin });
    const [path = ''] = await keyFiles(storeDirectory);
    const whole = await readFile(path);
    for (const damaged of [whole.subarray(0, 200), Buffer.from('nothing'), Buffer.alloc(0)]) {
      await writeFile(path, damaged);
      const error = await refusal(async () => provider.list());
      expect(error.code).toBe('KEY_STORE_DAMAGED');
      expect(error.message).toContain(path);
    }
    await writeFile(path, whole);
    await rename(path, join(storeDirectory, `${'0'.repeat(32)}.tss2.pem`));
    expect((await refusal(async () => provider.list())).code).toBe('KEY_STORE_DAMAGED');
    expect((await refusal(async () => provider.open(key.ref))).code).toBe('KEY_STORE_DAMAGED');
  });

  test('whose private area was altered is not loaded by the TPM', async () => {
    const tpm = await swtpm();
    const storeDirectory = await temporaryDirectory();
    const provider = await providerOn(tpm, { storeDirectory });
    const key = await provider.generate({ algorithm: 'p256', pin });
    const blobs = parseTss2PrivateKey(await provider.exportKeyFile(key.ref));
    const privateArea = Uint8Array.from(blobs.privateArea, (octet, index) =>
      index === 60 ? octet ^ 1 : octet,
    );
    await provider.destroy(key.ref);
    const altered = Buffer.from(encodeTss2PrivateKey({ ...blobs, privateArea }));
    expect((await refusal(async () => provider.importKeyFile(altered))).code).toBe('KEY_HELD_ELSEWHERE');
    expect(await provider.list()).toEqual([]);
  });

  test('is imported once', async () => {
    const tpm = await swtpm();
    const provider = await providerOn(tpm);
    const key = await provider.generate({ algorithm: 'p256', label: 'mine', pin });
    const exported = await provider.exportKeyFile(key.ref);
    expect((await refusal(async () => provider.importKeyFile(exported))).code).toBe('KEY_EXISTS');
    await provider.destroy(key.ref);
    expect(await provider.importKeyFile(exported)).toBe(key.ref);
    expect(await provider.list()).toMatchObject([{ ref: key.ref, label: 'mine' }]);
  });
});

function file(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.from(encodePem('TSS2 PRIVATE KEY', sequence(...parts)));
}

/** TPM2B with one octet in it. */
function area(octet: number): Uint8Array {
  return octetString(Uint8Array.of(0, 1, octet));
}

async function keyFiles(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory);
  return names.filter((name) => name.endsWith('.tss2.pem')).map((name) => join(directory, name));
}
