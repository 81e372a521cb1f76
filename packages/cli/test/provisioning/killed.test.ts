import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isPinProtected, PublicKey } from '@countersign/core';
import { openFileDirectory } from '@countersign/hello';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import { createMemoryProvider } from '@countersign/provider-memory';
import { expect, onTestFinished, test } from 'vitest';
import { childEnvironment, outcomeOf } from '../run-countersign.ts';
import { organization, pin, type Organization, type TestUser } from './organization.ts';

const kills = Number(process.env['COUNTERSIGN_KILLS'] ?? 5);

test(`killed (${kills} times) at random moments, provisioning resumes to one key, one registration, one certificate`, async () => {
  const at = await organization();
  onTestFinished(at.remove);
  const durationMs = await timeUndisturbed(at);
  const survivors: string[] = [];
  for (let kill = 1; kill <= kills; kill += 1) {
    const user = await at.newUser();
    const settings = await joined(at, user);
    const child = startProvisioning(at, settings);
    const ended = outcomeOf(child);
    await sleep(Math.random() * durationMs);
    child.kill('SIGKILL');
    const { status } = await ended;
    if (status !== 'SIGKILL') survivors.push(user.upn);
    expect(await outcomeOf(startProvisioning(at, settings))).toMatchObject({
      status: 0,
      stdout: 'complete\n',
    });
    await expectOneOfEach(at, user);
    expect(await certificatesOf(at)).toBe(kill + 1);
  }
  // Most were cut off; otherwise this shows nothing.
  expect(survivors.length).toBeLessThan(Math.max(1, kills / 2));
});

async function timeUndisturbed(at: Organization): Promise<number> {
  const user = await at.newUser();
  const settings = await joined(at, user);
  const beganAtMs = performance.now();
  expect(await outcomeOf(startProvisioning(at, settings))).toMatchObject({ status: 0, stdout: 'complete\n' });
  await expectOneOfEach(at, user);
  return performance.now() - beganAtMs;
}

async function joined(at: Organization, { upn }: TestUser): Promise<string> {
  const settings = await at.settings(upn);
  await at.runJson(['site', 'join', '--dir', 'site', '--config', settings]);
  return settings;
}

/** Client and services in one process: the kill takes them all. */
function startProvisioning(at: Organization, settings: string): ChildProcess {
  const program = fileURLToPath(new URL('children/provision-user.ts', import.meta.url));
  const flags = ['--conditions=@countersign/source', '--experimental-strip-types', '--no-warnings'];
  return spawn(process.execPath, [...flags, program, join(at.path, settings), pin], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: at.path,
    env: childEnvironment({ XDG_STATE_HOME: join(at.path, 'state') }),
  });
}

async function expectOneOfEach(at: Organization, { upn }: TestUser): Promise<void> {
  const storeDirectory = join(at.path, `hello-${upn.split('@', 1).join('')}`, 'keys');
  const provider = await createMemoryProvider({ storeDirectory });
  try {
    const [found, ...others] = await provider.list();
    expect(others).toEqual([]);
    if (found === undefined) throw new Error('there is no key');
    const { keyId } = PublicKey.parse(found.publicKey);
    const user = await (await openFileDirectory(join(at.path, 'cloud'))).findByUpn(upn);
    expect(user?.keyCredentials.map((credential) => credential.keyId)).toEqual([keyId]);
    const certificates = await withLedger(at, async (ledger) => ledger.findByKey(keyId));
    expect(certificates.map(({ certificate }) => certificate)).toEqual([
      await provider.getCertificate(found.ref),
    ]);
    const key = await provider.open(found.ref);
    if (isPinProtected(key)) await key.unlock(Buffer.from(pin));
    await key.sign('ecdsa-sha256', Buffer.from('it works'));
  } finally {
    await provider.close();
  }
}

async function certificatesOf(at: Organization): Promise<number> {
  return withLedger(at, async (ledger) => {
    let count = 0;
    for await (const { event, details } of ledger.readAudit()) {
      if (event === 'certificate-issued' && details['profile'] === 'hello-logon') count += 1;
    }
    return count;
  });
}

type Ledger = Awaited<ReturnType<typeof openSqliteLedger>>;

async function withLedger<T>(at: Organization, use: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = await openSqliteLedger(join(at.path, 'ca', 'ledger.sqlite'), { ifMissing: 'refuse' });
  try {
    return await use(ledger);
  } finally {
    await ledger.close();
  }
}
