import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { atTerminal, type TerminalSession } from '../terminal-session.ts';
import { organization, type Organization } from './organization.ts';

const hasPseudoTerminal = ((): boolean => {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux');
  } catch {
    return false;
  }
})();

describe.skipIf(!hasPseudoTerminal)('at a terminal (needs script of util-linux)', () => {
  let at: Organization;
  beforeAll(async () => {
    at = await organization();
  });
  afterAll(async () => at.remove());

  test('code and PIN are asked for without echo; a wrong code and a simple PIN may be made up for', async () => {
    const { upn } = await at.newUser();
    const settings = await at.settings(upn);
    await at.runJson(['site', 'join', '--dir', 'site', '--config', settings]);
    const code = await readFile(join(at.path, await at.code(upn)), 'utf8');
    const session = atTerminal(at.path, ['provision', '--config', settings]);
    await session.shows('Code of your authenticator app: ');
    session.type('000000\r');
    await showsAgain(session, 'Code of your authenticator app: ');
    expect(session.transcript()).toContain('the code is wrong');
    session.type(`${code}\r`);
    await session.shows('proved to be who they say');
    await session.shows('PIN for your new Windows Hello key: ');
    session.type('246802\r');
    await session.shows('Once more: ');
    session.type('246802\r');
    await showsAgain(session, 'PIN for your new Windows Hello key: ');
    expect(session.transcript()).toContain('even steps');
    session.type('739155\r739155\r');
    await session.shows('The PIN can be used now.');
    expect(await session.ended).toBe(0);
    for (const secret of [code, '246802', '739155']) expect(session.transcript()).not.toContain(secret);
  });

  test('whoever gives up is left with nothing, and may begin again', async () => {
    const { upn } = await at.newUser();
    const settings = await at.settings(upn);
    await at.runJson(['site', 'join', '--dir', 'site', '--config', settings]);
    const session = atTerminal(at.path, ['provision', '--config', settings]);
    await session.shows('Code of your authenticator app: ');
    session.type('\x03');
    expect(await session.ended).toBe(1);
    const code = await at.code(upn);
    const run = ['provision', '--config', settings, '--pin-file', 'pin', '--code-file', code];
    expect(await at.runJson(run)).toMatchObject({ kind: 'complete' });
  });
});

/** What is typed before a prompt comes back is echoed by the terminal. */
async function showsAgain(session: TerminalSession, prompt: string): Promise<void> {
  await expect.poll(() => session.transcript().split(prompt).length, { timeout: 30_000 }).toBe(3);
}
