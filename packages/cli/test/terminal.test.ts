import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emptySite, filesOf, type Site } from './enrollment-site.ts';
import { atTerminal } from './terminal-session.ts';

const pin = 'tYped-4829';
const newKeyPrompt = 'PIN for the new key: ';

/** `script` is part of every Debian; elsewhere it may be absent, or another program of that name. */
const hasPseudoTerminal = ((): boolean => {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux');
  } catch {
    return false;
  }
})();

describe.skipIf(!hasPseudoTerminal)('at a terminal (needs script of util-linux)', () => {
  let site: Site;
  beforeAll(async () => {
    site = await emptySite();
  });
  afterAll(async () => site.remove());

  test('what is typed elsewhere shows in the transcript, so what does not show was hidden', async () => {
    const session = atTerminal(site.path, ['--version'], 'printf "say: "; read -r line; echo "heard $line"');
    await session.shows('say: ');
    session.type('hello\r');
    expect(await session.ended).toBe(0);
    expect(session.transcript()).toMatch(/say: hello\r?\n.*heard hello/s);
  });

  test('a new PIN is asked for twice and never shown, and the key opens with it', async () => {
    const session = atTerminal(site.path, ['key', 'generate', '--label', 'typed'], 'stty -a');
    await session.shows(newKeyPrompt);
    session.type(`${pin}\r`);
    await session.shows('Once more: ');
    session.type(`${pin}\r`);
    expect(await session.ended).toBe(0);
    expect(session.transcript()).not.toContain(pin);
    expect(session.transcript()).not.toContain(pin.slice(1, 6));
    expectSane(session.transcript());

    const create = ['request', 'create', '--key', 'memory:object=typed', '--json'];
    const { status } = await site.run(create, { COUNTERSIGN_PIN: pin });
    expect(status).toBe(0);
    const asked = atTerminal(site.path, create);
    await asked.shows('PIN for the key typed: ');
    asked.type(`${pin}\n`);
    expect(await asked.ended).toBe(0);
    expect(asked.transcript()).toContain('-----BEGIN CERTIFICATE REQUEST-----');
    expect(asked.transcript()).not.toContain(pin);
  });

  test('both answers may be typed ahead at once, and corrected while typing', async () => {
    const session = atTerminal(site.path, ['key', 'generate', '--label', 'ahead']);
    await session.shows(newKeyPrompt);
    // Backspace takes back one character, also one of several octets, and Ctrl-U all of them.
    session.type(`oops\x15${pin}xü\x7f\x7f\r${pin}\r`);
    expect(await session.ended).toBe(0);
    expect(session.transcript()).not.toContain(pin);
    const create = ['request', 'create', '--key', 'memory:object=ahead'];
    expect((await site.run(create, { COUNTERSIGN_PIN: pin })).status).toBe(0);
  });

  test.each([
    ['two PINs that differ', `${pin}\r${pin}x\r`, 'PIN_INVALID'],
    ['Ctrl-C', `${pin}\x03`, 'PIN_REQUIRED'],
    ['Ctrl-C at the second prompt', `${pin}\r\x03`, 'PIN_REQUIRED'],
    ['Ctrl-D', '\x04', 'PIN_REQUIRED'],
    ['a PIN that is too short', '123\r123\r', 'PIN_INVALID'],
  ])('%s leaves a sane terminal, exit status 1 and no key', async (_name, keys, code) => {
    const before = await filesOf(site);
    const session = atTerminal(site.path, ['key', 'generate'], 'stty -a');
    await session.shows(newKeyPrompt);
    session.type(keys);
    expect(await session.ended).toBe(1);
    expect(session.transcript()).toContain(`countersign: ${code}: `);
    expect(session.transcript()).not.toContain(pin);
    expectSane(session.transcript());
    expect(await filesOf(site)).toEqual(before);
  });
});

/** `stty -a` says ` echo` and ` icanon` of a terminal that shows what is typed and sends it line by line. */
function expectSane(transcript: string): void {
  expect(transcript).toMatch(/(?:^|\s)echo(?:\s|;)/);
  expect(transcript).toMatch(/(?:^|\s)icanon(?:\s|;)/);
  expect(transcript).toMatch(/(?:^|\s)isig(?:\s|;)/);
}
