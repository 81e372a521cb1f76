import { spawn } from 'node:child_process';
import { expect } from 'vitest';
import { outcomeOf, type Outcome } from './run-countersign.ts';

/** Runs the openssl command and returns what it printed on standard output; the test fails if it complains. */
export async function openssl(args: readonly string[], cwd?: string): Promise<string> {
  const outcome = await tryOpenssl(args, cwd);
  expect(outcome, `openssl ${args.join(' ')}`).toMatchObject({ status: 0 });
  return outcome.stdout;
}

/** Runs the openssl command, whatever it says. */
export async function tryOpenssl(args: readonly string[], cwd?: string): Promise<Outcome> {
  return outcomeOf(spawn('openssl', args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** What `openssl req -verify` and `openssl crl -CAfile` find: their exit status is 0 either way (OpenSSL 3.0). */
export async function verifies(args: readonly string[], cwd?: string): Promise<boolean> {
  const { stdout, stderr } = await tryOpenssl([...args, '-noout'], cwd);
  const [found] = /\bverify (?:OK|failure)\b/.exec(stdout + stderr) ?? [];
  if (found === undefined) throw new Error(`openssl ${args.join(' ')} did not verify: ${stderr}`);
  return found === 'verify OK';
}

/** `openssl req -new` options for each kind of key that people bring. */
export const newKeyOptions = {
  p256: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa2048: ['-newkey', 'rsa:2048'],
  rsa3072: ['-newkey', 'rsa:3072'],
} as const;

/** Makes a key (`<name>.key`) and a request for it (`<name>.pem`), as somebody without Countersign would. */
export async function requestByOpenssl(
  directory: string,
  name: string,
  algorithm: keyof typeof newKeyOptions = 'p256',
): Promise<void> {
  const request = ['req', '-new', ...newKeyOptions[algorithm], '-nodes', '-subj', '/CN=whoever asks'];
  await openssl([...request, '-keyout', `${name}.key`, '-out', `${name}.pem`], directory);
}
