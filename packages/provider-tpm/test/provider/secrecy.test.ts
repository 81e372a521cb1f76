import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { openTransport, TpmCommandQueue } from '@countersign/provider-tpm';
import { expect, onTestFinished, test, vi } from 'vitest';
import { hierarchyChangeAuth, SaltKey } from '../../src/session/index.ts';
import { refusal } from '../refusal.ts';
import { lockout } from '../session/keys.ts';
import { asAdministrator, makeScene, openGuarded, utf8, type Scene } from './scene.ts';

const pin = 'a PIN of 14 by';
const newPin = 'the PIN after it';
const wrongPin = 'not-the-PIN-at-all';
const ownerAuth = 'the owner’s word';

test('neither PINs nor salts cross the bus, in whatever is done', async () => {
  const scene = await makeScene();
  const salts = watchSalts(scene);
  const said: string[] = [];
  scene.relay.recording = true;
  const provider = await scene.provider({ ownerAuthValue: new Uint8Array() });
  for (const algorithm of ['p256', 'rsa2048'] as const) {
    const key = await provider.generate({ algorithm, label: 'a label', pin: utf8(pin) });
    key.lock();
    await key.unlock(utf8(pin));
    for (const scheme of key.schemes) await key.sign(scheme, utf8('message'));
    const other = await openGuarded(provider, key.ref);
    if (algorithm === 'p256') said.push(shown(await refusal(async () => other.unlock(utf8(wrongPin)))));
    await key.changePin(utf8(pin), utf8(newPin));
    await other.unlock(utf8(newPin));
    await other.sign(other.schemes[0] ?? 'ecdsa-sha256', utf8('message'));
    await provider.list();
    await provider.importKeyFile(await exportAndDestroy(scene, key.ref));
    said.push(shown(key), shown(other), shown(provider));
  }
  const bad = await openGuarded(provider, (await provider.list())[0]?.ref ?? '');
  said.push(shown(await refusal(async () => bad.changePin(utf8(wrongPin), utf8(newPin)))));
  await provider.close();

  const bus = Buffer.concat(scene.relay.messages);
  expect(scene.relay.messages.length).toBeGreaterThan(60);
  const files = await Promise.all(
    (await readdir(scene.storeDirectory)).map(async (name) => readFile(join(scene.storeDirectory, name))),
  );
  expect(files.length).toBe(3);
  for (const place of [bus, ...files, Buffer.from(said.join('\n'))]) {
    for (const secret of [pin, newPin, wrongPin]) {
      for (const form of formsOf(secret)) expect(place.includes(form)).toBe(false);
    }
  }
  expect(salts.length).toBeGreaterThan(2);
  for (const salt of salts) {
    expect(salt.some((octet) => octet !== 0)).toBe(true);
    expect(bus.includes(salt)).toBe(false);
  }
  expect(bus.includes(Buffer.from('81000001', 'hex'))).toBe(true);
});

test('the search finds a PIN where one is sent as a password', async () => {
  const { relay } = await makeScene();
  relay.recording = true;
  const queue = new TpmCommandQueue(await openTransport(relay.uri));
  const byPassword = { ...lockout, authorization: { kind: 'password', authValue: utf8(pin) } } as const;
  await asAdministrator(queue, async (pool) => {
    await refusal(async () => hierarchyChangeAuth(pool, byPassword, utf8(newPin)));
  });
  await queue.close();
  const bus = Buffer.concat(relay.messages);
  expect(bus.indexOf(pin)).toBeGreaterThan(0);
  expect(bus.indexOf(newPin)).toBe(-1);
});

test('the owner’s authValue does not cross in clear, nor stand in the error if it is wrong', async () => {
  const { relay, provider: open } = await makeScene();
  await asAdministrator(relay, async (pool) => {
    const owner = { ...lockout, handle: 0x40000001, name: Uint8Array.of(0x40, 0, 0, 1) };
    await hierarchyChangeAuth(pool, owner, utf8(ownerAuth));
  });
  relay.recording = true;
  const error = await refusal(async () => open({ ownerAuthValue: utf8(wrongPin) }));
  const provider = await open({ ownerAuthValue: utf8(ownerAuth) });
  await provider.close();
  const bus = Buffer.concat(relay.messages);
  for (const place of [bus, Buffer.from(shown(error)), Buffer.from(shown(provider))]) {
    for (const secret of [ownerAuth, wrongPin]) {
      for (const form of formsOf(secret)) expect(place.includes(form)).toBe(false);
    }
  }
});

async function exportAndDestroy(scene: Scene, ref: string): Promise<Uint8Array> {
  const provider = await scene.provider();
  const file = await provider.exportKeyFile(ref);
  await provider.destroy(ref);
  await provider.close();
  return file;
}

function formsOf(secret: string): readonly Buffer[] {
  const bytes = Buffer.from(secret);
  return [
    bytes,
    Buffer.from(secret, 'utf16le'),
    Buffer.from(secret, 'utf16le').swap16(),
    Buffer.from(bytes.toString('hex')),
    Buffer.from(bytes.toString('base64')),
    createHash('sha256').update(bytes).digest(),
  ];
}

function shown(value: unknown): string {
  return `${inspect(value, { depth: 12, showHidden: true, maxArrayLength: null })} ${JSON.stringify(value)}`;
}

/** Every salt that was made, copied before it is wiped, which is when the command that brings it is sent. */
function watchSalts({ relay }: Scene): readonly Buffer[] {
  const salts: Buffer[] = [];
  const spy = vi.spyOn(SaltKey.prototype, 'createSalt');
  onTestFinished(() => spy.mockRestore());
  relay.onCommand = (command) => {
    for (const result of spy.mock.results.slice(salts.length)) {
      if (result.type === 'return') salts.push(Buffer.from(result.value.salt));
    }
    return command;
  };
  return salts;
}
