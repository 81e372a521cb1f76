import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emptySite, filesOf, type Site } from './enrollment-site.ts';
import { childEnvironment } from './run-countersign.ts';

let site: Site;
beforeAll(async () => {
  site = await emptySite();
});
afterAll(async () => site.remove());

const commands = [
  'demo',
  'key generate',
  'key list',
  'key show',
  'key destroy',
  'request create',
  'request show',
  'ca init',
  'ca issue',
  'ca revoke',
  'ca crl',
  'ca audit verify',
  'ra init',
  'ra countersign',
  'directory add',
  'directory show',
  'tpm validate',
];

describe('help', () => {
  test.each(commands)('shows an example of: %s', async (command) => {
    const { status, stdout, stderr } = await site.run([...command.split(' '), '--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`Usage: countersign ${command} `);
    expect(stdout).toMatch(new RegExp(`Examples?:\\n  \\$ countersign ${command}\\b`));
    // Nobody is to find a way to put a PIN on a command line.
    expect(stdout).not.toMatch(/--pin\b(?!-file)/);
  });

  test('names every command, the exit statuses and where PINs and state are', async () => {
    const { status, stdout } = await site.run(['--help']);
    expect(status).toBe(0);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command.split(' ')[0]}\\b`, 'm'));
    for (const word of ['Exit status', 'COUNTERSIGN_PIN', '--pin-file', 'XDG_STATE_HOME']) {
      expect(stdout).toContain(word);
    }
  });
});

describe('wrong usage ends with exit status 2, a complaint and nothing done', () => {
  test.each([
    ['no command', ''],
    ['an unknown command', 'ennroll'],
    ['an unknown subcommand', 'ca sign'],
    ['a missing subcommand', 'ca audit'],
    ['a missing option', 'ca init --dir ca'],
    ['an option without its value', 'ca init --dir'],
    ['an unknown option', 'demo --colour'],
    ['a PIN as an argument', 'key generate --pin 482913'],
    ['an unknown algorithm', 'key generate --algorithm rsa1024'],
    ['an unknown provider of the demonstration', 'demo --provider paper'],
    ['an unknown format', 'ra countersign --dir ra --request r --requester u --out o --format zip'],
    ['a serial number that is none', 'ca revoke --dir ca xyz'],
    ['an unknown reason', 'ca revoke --dir ca 00 --reason boredom'],
    ['an argument too many', 'request show a b'],
  ])('%s', async (_name, line) => {
    const { status, stdout, stderr } = await site.run(line.split(' ').filter((word) => word !== ''));
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/error: |Usage: /);
    expect(await filesOf(site)).toEqual([]);
  });

  test('a PIN that was given as an argument is not repeated in the complaint', async () => {
    const { stderr } = await site.run(['key', 'generate', '--pin', '482913']);
    expect(stderr).not.toContain('482913');
  });
});

test('what is missing is said, with exit status 1', async () => {
  expect((await site.refusal(['ca', 'audit', 'verify', '--dir', 'ca'])).code).toBe('STATE_MISSING');
  expect((await site.refusal(['ca', 'init', '--dir', 'ca', '--directory', 'dir'])).code).toBe(
    'STATE_MISSING',
  );
  expect((await site.refusal(['ra', 'init', '--dir', 'ra', '--ca', 'ca'])).code).toBe('STATE_MISSING');
  expect((await site.refusal(['directory', 'show', '--dir', 'dir'])).code).toBe('STATE_MISSING');
  expect((await site.refusal(['request', 'show', 'request.pem'])).code).toBe('FILE_UNREADABLE');
  expect(await filesOf(site)).toEqual([]);
});

test('the version is that of the package', async () => {
  const packageJson = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  const { status, stdout } = await site.run(['--version']);
  expect(status).toBe(0);
  expect(packageJson).toContain(`"version": "${stdout.trim()}"`);
});

test('the built command runs', async (context) => {
  const built = fileURLToPath(new URL('../bin/countersign.js', import.meta.url));
  if (!existsSync(new URL('../dist/main.js', import.meta.url)))
    context.skip('nothing is built: npm run build');
  const options = { cwd: site.path, env: childEnvironment() };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [built, 'key', 'list', '--json'], {
    ...options,
    env: childEnvironment({ XDG_STATE_HOME: site.path }),
  });
  expect({ stdout: stdout.replaceAll(/\s/g, ''), stderr }).toEqual({ stdout: '{"keys":[]}', stderr: '' });
});
