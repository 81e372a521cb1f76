import { join } from 'node:path';
import { runKerberosProgram } from '@countersign/hello/trial-domain';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoUser } from '../../src/demo/demo-user.ts';
import { startDemoKdc, type DemoKdc } from '../../src/demo/full/start-demo-kdc.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { programAtTerminal, type TerminalSession } from '../terminal-session.ts';
import { pin, signInSite, userKeys } from './sign-in-site.ts';

// RSA: before 1.21, kinit asks PKCS#11 tokens for keys of no other kind.

const stops: (() => Promise<void>)[] = [];
let folder: string;
let realm: DemoKdc;

beforeAll(async () => {
  const { path, remove } = await temporaryDirectory();
  folder = path;
  stops.unshift(remove);
  const keys = await userKeys('pkcs11', join(folder, 'pkcs11'));
  stops.unshift(keys.close);
  const site = await signInSite(join(folder, 'site'), { algorithm: 'rsa2048' });
  await site.addUser(demoUser);
  await site.enroll(keys, demoUser.upn, 'rsa2048');
  realm = await startDemoKdc(site.ca, demoUser.upn, () => undefined);
  stops.unshift(realm.stop);
});

afterAll(async () => {
  for (const stop of stops) await stop();
});

test("MIT's own kinit signs in with the key and the certificate that were left in the token", async () => {
  const cache = join(folder, 'cache');
  const session = kinit(cache);
  await session.shows('countersign-demo PIN:');
  session.type(`${pin.toString()}\n`);
  expect(await session.ended).toBe(0);
  expect(session.transcript()).not.toContain(pin.toString());
  const { stdout: tickets } = await runKerberosProgram(realm, cache, 'klist');
  expect(tickets).toContain(`Default principal: ${demoUser.upn}`);
  const { stdout: version } = await runKerberosProgram(realm, cache, 'kvno', realm.service);
  expect(version).toContain(`${realm.service}@${realm.realm}: kvno = 1`);
});

test('with a wrong PIN kinit gets no ticket', async () => {
  const cache = join(folder, 'no-cache');
  const session = kinit(cache);
  await session.shows('countersign-demo PIN:');
  session.type('482914\n');
  expect(await session.ended).not.toBe(0);
  await expect(runKerberosProgram(realm, cache, 'klist')).rejects.toThrow('No credentials cache found');
});

function kinit(cache: string): TerminalSession {
  const identity = 'PKCS11:module_name=/usr/lib/softhsm/libsofthsm2.so:token=countersign-demo';
  return programAtTerminal(folder, ['kinit', '-X', `X509_user_identity=${identity}`, realm.userName], {
    KRB5_CONFIG: realm.krb5ConfigFile,
    KRB5CCNAME: `FILE:${cache}`,
    SOFTHSM2_CONF: join(folder, 'pkcs11', 'softhsm2.conf'),
  });
}
