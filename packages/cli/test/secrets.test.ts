import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, randomInt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emptySite, type Site } from './enrollment-site.ts';
import { outcomeOf, startCountersign, type Outcome } from './run-countersign.ts';
import { findSecrets, pinToSearch } from './secret-search.ts';

/** Long and random, so that it stands nowhere by accident. */
const pin = `pin-${randomBytes(9).toString('hex')}-!`;
const userPin = pinToSearch("the user's PIN", pin);

describe('the search itself finds', () => {
  test.each([
    ['UTF-8', Buffer.from(`x${pin}y`)],
    ['UTF-16LE', Buffer.from(`x${pin}`, 'utf16le')],
    ['hex', Buffer.from(`x${Buffer.from(pin).toString('hex')}`)],
    ['base64', Buffer.from(Buffer.from(pin).toString('base64'))],
    ['base64, one in', Buffer.from(Buffer.from(`x${pin}`).toString('base64'))],
    ['base64, two in', Buffer.from(Buffer.from(`xy${pin}zz`).toString('base64'))],
    ['base64 of UTF-16LE', Buffer.from(Buffer.from(pin, 'utf16le').toString('base64'))],
  ])('a PIN in %s', (_form, planted) => {
    const haystack = Buffer.concat([randomBytes(500), planted, randomBytes(500)]);
    expect(findSecrets(haystack, [userPin])).toEqual([userPin.name]);
  });

  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const encodings: [string, Buffer][] = [
    ['PKCS#8, P-256', ec.export({ type: 'pkcs8', format: 'der' })],
    ['SEC 1, P-256', ec.export({ type: 'sec1', format: 'der' })],
    ['PKCS#8, RSA', rsa.export({ type: 'pkcs8', format: 'der' })],
    ['PKCS#1, RSA', rsa.export({ type: 'pkcs1', format: 'der' })],
  ];
  test.each(encodings)('a private key: %s', (name, der) => {
    for (const planted of [
      der,
      Buffer.from(der.toString('base64')),
      Buffer.from(`"${der.toString('hex')}"`),
    ]) {
      expect(findSecrets(Buffer.concat([randomBytes(9), Buffer.from('\n:'), planted]), [])).toEqual([
        'private key in DER',
      ]);
    }
    const pem = createPrivateKey({ key: der, format: 'der', type: typeOf(name) }).export({
      type: 'pkcs8',
      format: 'pem',
    });
    expect(findSecrets(Buffer.from(pem), [])).toContain('private key in PEM');
  });

  test('nothing in public keys and noise', () => {
    for (const privateKey of [ec, rsa]) {
      const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
      const forms = [der, Buffer.from(der.toString('base64')), Buffer.from(der.toString('hex'))];
      expect(findSecrets(Buffer.concat([...forms, randomBytes(3000)]), [userPin])).toEqual([]);
    }
  });
});

describe('a demonstration gives no secret away', () => {
  let site: Site;
  let outcome: Outcome;
  const commandLines = new Set<string>();
  beforeAll(async () => {
    site = await emptySite();
    const env = { XDG_STATE_HOME: join(site.path, 'state'), COUNTERSIGN_PIN: pin };
    const before = new Set(processNumbers());
    const child = startCountersign(['demo', '--out', 'out'], { cwd: site.path, env });
    const ended = outcomeOf(child);
    while (child.exitCode === null && child.signalCode === null) {
      // Whatever began since, as often as can be: a process may be there for a millisecond.
      for (const number of processNumbers()) if (!before.has(number)) commandLines.add(commandLineOf(number));
      await new Promise(setImmediate);
    }
    outcome = await ended;
  });
  afterAll(async () => site.remove());

  test('in what it prints', () => {
    expect(outcome.status).toBe(0);
    expect(outcome.stderr).toContain('guarded by a PIN');
    expect(findSecrets(Buffer.from(outcome.stdout + outcome.stderr), [userPin])).toEqual([]);
  });

  test('in the process list', (context) => {
    if (!existsSync('/proc/self/cmdline')) context.skip('there is no /proc here to list processes from');
    // That the list was read in time shows in the demonstration's own line.
    expect([...commandLines].filter((line) => line.includes('\0demo\0--out\0'))).not.toEqual([]);
    for (const line of commandLines) expect(findSecrets(Buffer.from(line), [userPin])).toEqual([]);
  });

  test('in any file that it leaves, under any name', async () => {
    const files = await filesBelow(site.path);
    expect(files.map(({ path }) => path.split('/').pop())).toEqual(
      expect.arrayContaining([
        'summary.json',
        'directory.json',
        'ledger.sqlite',
        'key-records.json',
        'lockout.json',
      ]),
    );
    for (const { path, bytes } of files) {
      expect({ path, found: findSecrets(Buffer.concat([Buffer.from(path), bytes]), [userPin]) }).toEqual({
        path,
        found: [],
      });
    }
  });

  test('apart from the services’ own PINs, which lie in service.pin by design, for their owner alone', async () => {
    const files = await filesBelow(site.path);
    const pinFiles = files.filter(({ path }) => path.endsWith('/service.pin'));
    expect(pinFiles.map(({ path }) => path.slice(site.path.length)).toSorted()).toEqual([
      '/out/demo-state/ca/service.pin',
      '/out/demo-state/hello/device/service.pin',
      '/out/demo-state/ra/service.pin',
      '/out/demo-state/site/receipt-key/service.pin',
      '/out/demo-state/site/tls-key/service.pin',
      '/out/demo-state/site/token-key/service.pin',
    ]);
    const servicePins = pinFiles.map(({ path, bytes }) => pinToSearch(path, bytes.toString()));
    for (const { path, bytes } of pinFiles) {
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(bytes.length).toBeGreaterThanOrEqual(32);
    }
    for (const { path, bytes } of files.filter((file) => !pinFiles.includes(file))) {
      expect({ path, found: findSecrets(bytes, servicePins) }).toEqual({ path, found: [] });
    }
    const printed = Buffer.from([outcome.stdout, outcome.stderr, ...commandLines].join('\n'));
    expect(findSecrets(printed, servicePins)).toEqual([]);
  });

  test('and its keys and state are for their owner alone', async () => {
    const files = await filesBelow(join(site.path, 'out', 'demo-state'));
    const secret = files.filter(({ path }) => path.includes('/keys/') && !path.endsWith('.der'));
    expect(secret.length).toBeGreaterThanOrEqual(6);
    for (const { path } of secret)
      expect({ path, mode: (await stat(path)).mode & 0o777 }).toEqual({ path, mode: 0o600 });
    expect((await stat(join(site.path, 'out', 'demo-state'))).mode & 0o777).toBe(0o700);
  });
});

describe('an error gives no PIN away', () => {
  let site: Site;
  beforeAll(async () => {
    site = await emptySite();
  });
  afterAll(async () => site.remove());

  test('be it refused or wrong', async () => {
    const long = String(randomInt(1e9, 2e9)).repeat(20);
    const refused = await site.run(['key', 'generate', '--json'], { COUNTERSIGN_PIN: long });
    expect(refused.status).toBe(1);
    await site.runJson(['key', 'generate', '--label', 'a'], { COUNTERSIGN_PIN: pin });
    const wrongPin = `wrong-${randomBytes(9).toString('hex')}`;
    const wrong = await site.run(['request', 'create', '--key', 'memory:object=a', '--json'], {
      COUNTERSIGN_PIN: wrongPin,
    });
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toContain('PIN_INCORRECT');
    const secrets = [userPin, pinToSearch('too long', long), pinToSearch('wrong', wrongPin)];
    for (const { stdout, stderr } of [refused, wrong]) {
      expect(findSecrets(Buffer.from(stdout + stderr), secrets)).toEqual([]);
    }
    for (const { path, bytes } of await filesBelow(site.path)) {
      expect({ path, found: findSecrets(bytes, secrets) }).toEqual({ path, found: [] });
    }
  });
});

async function filesBelow(directory: string): Promise<{ path: string; bytes: Buffer }[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return Promise.all(paths.map(async (path) => ({ path, bytes: await readFile(path) })));
}

function processNumbers(): string[] {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
}

/** What `ps` would show, whoever asks. */
function commandLineOf(processNumber: string): string {
  try {
    return readFileSync(`/proc/${processNumber}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function typeOf(name: string): 'pkcs8' | 'sec1' | 'pkcs1' {
  if (name.startsWith('SEC')) return 'sec1';
  return name.startsWith('PKCS#1,') ? 'pkcs1' : 'pkcs8';
}
