import { parsePkcs11Uri } from '@countersign/provider-pkcs11';
import { beforeAll, describe, expect, test } from 'vitest';
import { moduleMakers, providerOn, userPin, utf8, type ModuleUnderTest } from './module-under-test.ts';
import { refusal } from './refusal.ts';

const pin = utf8(userPin);

describe.each(Object.entries(moduleMakers))('%s', (_, make) => {
  let module: ModuleUnderTest;
  beforeAll(async () => {
    module = await make();
  });

  test('a reference that matches several keys names each, and each of their own references opens', async () => {
    const provider = await providerOn(module);
    const twins = [
      await provider.generate({ algorithm: 'p256', label: 'twin', pin }),
      await provider.generate({ algorithm: 'p256', label: 'twin', pin }),
    ];
    const other = await provider.generate({ algorithm: 'p256', label: 'other', pin });
    const error = await refusal(async () => provider.open('pkcs11:object=twin'));
    expect(error.code).toBe('KEY_AMBIGUOUS');
    expect(error.message).toContain('matches 2 keys');
    for (const { ref } of twins) {
      expect(error.message).toContain(`"twin" (id ${idIn(ref)}) on the token "${module.tokenLabel}"`);
      expect(error.message).toContain(parsePkcs11Uri(ref).serial);
    }
    expect(error.message).not.toContain(idIn(other.ref));
    expect(error.hint).toContain('id=');
    for (const { ref, publicKey } of twins) expect((await provider.open(ref)).publicKey).toEqual(publicKey);
    for (const change of [
      async () => provider.destroy('pkcs11:object=twin'),
      async () => provider.removeCertificate('pkcs11:object=twin'),
    ]) {
      expect((await refusal(change)).code).toBe('KEY_AMBIGUOUS');
    }
    expect(await provider.list()).toHaveLength(3);
    for (const { ref } of [...twins, other]) await provider.destroy(ref);
  });

  test('a reference that matches no key is answered with those that there are', async () => {
    const provider = await providerOn(module);
    const none = await refusal(async () => provider.open('pkcs11:object=nobody'));
    expect(none.code).toBe('KEY_NOT_FOUND');
    expect(none.message).toContain('no keys can be seen');
    expect(none.hint).toContain('pin-source');
    const keys = [];
    for (let made = 0; made < 7; made += 1) {
      keys.push(await provider.generate({ algorithm: 'p256', label: `key ${made}`, pin }));
    }
    const error = await refusal(async () => provider.open('pkcs11:object=nobody'));
    expect(error.code).toBe('KEY_NOT_FOUND');
    const named = keys.filter(({ ref }) => error.message.includes(idIn(ref)));
    expect(named).toHaveLength(5);
    for (const { label } of named) expect(error.message).toContain(`"${label}"`);
    expect(error.message).toContain('and 2 more');
    for (const { ref } of keys) await provider.destroy(ref);
  });
});

function idIn(ref: string): string {
  return Buffer.from(parsePkcs11Uri(ref).id ?? []).toString('hex');
}
