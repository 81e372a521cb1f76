import { spawn } from 'node:child_process';
import { CountersignError } from '@countersign/core';

/** What a program of NSS wrote, and how it ended. */
export interface NssToolResult {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `certutil` or `modutil` without a terminal, so that neither asks for anything.
 * @throws CountersignError `PROVIDER_NOT_AVAILABLE` if it is not installed
 */
export async function runNssTool(
  tool: 'certutil' | 'modutil',
  args: readonly string[],
  input: Uint8Array | string = '',
): Promise<NssToolResult> {
  const child = spawn(tool, [...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // One that ends without reading its input says why in its exit status.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const status = await new Promise<number | string>((resolve, reject) => {
    child.once('error', (cause) => {
      reject(notInstalled(tool, cause));
    });
    child.once('close', (code, signal) => {
      resolve(code ?? signal ?? 'unknown');
    });
  });
  return { status, stdout: text(stdout), stderr: text(stderr) };
}

/** What NSS says of a failure: one line, with its error name. */
export function nssFailure(what: string, { status, stderr }: NssToolResult): CountersignError {
  const said = stderr.replaceAll(/\s+/g, ' ').trim().slice(0, 300);
  return new CountersignError(
    'CERTIFICATE_STORE_FAILED',
    `${what}: ${said === '' ? `ended with ${status}` : said}`,
    'Check the database with "certutil -L -d sql:FOLDER"; close programs that have it open, then try again.',
  );
}

function notInstalled(tool: string, cause: unknown): CountersignError {
  return new CountersignError(
    'PROVIDER_NOT_AVAILABLE',
    `${tool}, with which certificates get into NSS databases, cannot be started`,
    'Install it (Debian: libnss3-tools), or leave the NSS database out.',
    { cause },
  );
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8');
}
