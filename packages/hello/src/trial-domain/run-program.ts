import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { serverPath } from './requirements.ts';
import { notAvailable } from './trial-failure.ts';

export interface ProgramOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end.
 * @param input what it reads from its standard input
 * @throws CountersignError `TRIAL_DOMAIN_NOT_AVAILABLE`, with the last of what it wrote, if it does not succeed
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { input = '', env = {} }: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<ProgramOutput> {
  const child = spawn(program, args, { env: { ...process.env, PATH: serverPath(), ...env } });
  child.stdin.on('error', () => undefined); // it may end without reading
  child.stdin.end(input);
  const status = new Promise<string | number>((resolve, reject) => {
    child.once('error', (cause) => {
      reject(notAvailable(`${program} does not start: ${cause.message}`, `Install ${program}.`, cause));
    });
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const [stdout, stderr, ending] = await Promise.all([text(child.stdout), text(child.stderr), status]);
  if (ending === 0) return { stdout, stderr };
  const last = `${stdout}${stderr}`.trim().split('\n').slice(-5).join(' / ');
  throw notAvailable(`${program} ended with ${ending}: ${last}`, `Look at what ${program} says.`);
}
