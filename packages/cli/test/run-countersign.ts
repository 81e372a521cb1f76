import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

export interface Outcome {
  /** Exit status, or the signal that ended the process. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Added to an environment that has PATH and HOME and nothing of the developer's. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs the command as its users do, on the sources. */
export async function countersign(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return outcomeOf(startCountersign(args, options));
}

/** Runs it with `--json`, expects success, and returns the one document on standard output. */
export async function countersignJson(args: readonly string[], options: RunOptions = {}): Promise<Json> {
  const { status, stdout, stderr } = await countersign([...args, '--json'], options);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return parseJson(stdout);
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Runs it with `--json`, expects exit status 1, and returns the error that both outputs tell. */
export async function refusalOf(args: readonly string[], options: RunOptions = {}): Promise<Refusal> {
  const { status, stdout, stderr } = await countersign([...args, '--json'], options);
  expect({ status, stdout: stdout === '' ? stderr : '' }).toEqual({ status: 1, stdout: '' });
  const { error } = parseJson(stdout);
  if (!isJson(error)) throw new Error(`no error in ${stdout}`);
  const { code, message, hint } = error;
  if (typeof code !== 'string' || typeof message !== 'string' || typeof hint !== 'string') {
    throw new Error(`the error is not complete: ${stdout}`);
  }
  expect(message).not.toBe('');
  expect(hint).not.toBe('');
  expect(stderr).toContain(`countersign: ${code}: ${message}`);
  expect(stderr).toContain(`hint: ${hint}`);
  return { code, message, hint };
}

export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Exactly one document: JSON.parse refuses a second one. */
export function parseJson(text: string): Json {
  const value: unknown = JSON.parse(text);
  if (isJson(value)) return value;
  throw new Error(`not a JSON object: ${text.slice(0, 200)}`);
}

/** The text in a field of a JSON document. */
export function textIn(document: Json, field: string): string {
  const value = document[field];
  if (typeof value === 'string') return value;
  throw new Error(`${field} is not text but ${JSON.stringify(value)}`);
}

export function startCountersign(args: readonly string[], { env, cwd }: RunOptions = {}): ChildProcess {
  return spawn(process.execPath, [...onSources, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd,
    env: childEnvironment(env),
  });
}

/** What stands between `node` and the command's own arguments. */
export const onSources: readonly string[] = [
  '--conditions=@countersign/source',
  '--experimental-strip-types',
  '--no-warnings',
  fileURLToPath(new URL('../src/main.ts', import.meta.url)),
];

export function childEnvironment(added: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME, NODE_COMPILE_CACHE: compileCache, ...added };
}

/** Two thirds of a start on the sources would go into stripping their types, hundreds of times over. */
const compileCache = fileURLToPath(
  new URL('../../../node_modules/.cache/countersign-cli-test', import.meta.url),
);

export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ status: code ?? signal ?? 'unknown', stdout, stderr });
    });
  });
}
