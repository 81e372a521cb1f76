import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CountersignError } from '@countersign/core';
import { writeFileAtomic } from '@countersign/state';
import { TpmCommandQueue } from './command/command-queue.ts';
import { shutdown } from './command/start-up.ts';
import { openTransport } from './transport/open-transport.ts';

/** A TPM in software (swtpm), manufactured with endorsement keys and their certificates: for trials and tests. */
export interface SoftwareTpm {
  /** For `createTpmProvider`. */
  readonly uri: string;
  /** PEM file with the certificates of the manufacturer's CA and its root. */
  readonly endorsementRoots: string;
  /** Shuts it down in good order: what it holds is in its state. */
  stop(): Promise<void>;
}

/** Whether this machine can run one. */
export async function canRunSoftwareTpm(): Promise<boolean> {
  const found = await Promise.all(['swtpm', 'swtpm_setup', 'swtpm_localca'].map(findProgram));
  return found.every((path) => path !== undefined);
}

/**
 * @param directory for the TPM's state and its manufacturer's; nothing outside of it is touched
 * @throws CountersignError `PROVIDER_NOT_AVAILABLE`
 */
export async function startSoftwareTpm(directory: string): Promise<SoftwareTpm> {
  if (!(await canRunSoftwareTpm())) {
    throw new CountersignError(
      'PROVIDER_NOT_AVAILABLE',
      'there is no software TPM on this machine: swtpm, swtpm_setup or swtpm_localca was not found',
      'Install it (Debian: apt-get install swtpm swtpm-tools).',
    );
  }
  const endorsementRoots = await manufacture(directory);
  // The path of a socket may have 107 octets, and the state lies wherever it was asked to.
  const sockets = await mkdtemp(join(tmpdir(), 'countersign-tpm-'));
  try {
    const process = await emulate(directory, sockets);
    const uri = `tpm:swtpm-unix=${encodeURIComponent(join(sockets, 'tpm'))}`;
    return { uri, endorsementRoots, stop: async () => stop(uri, process, sockets) };
  } catch (error) {
    await rm(sockets, { recursive: true, force: true });
    throw error;
  }
}

/** `state` gets a TPM, certified by a manufacturer that makes this one and is no more: its keys are not kept. */
async function manufacture(directory: string): Promise<string> {
  const inDirectory = (name: string): string => join(directory, name);
  for (const name of [directory, inDirectory('state'), inDirectory('manufacturer')]) {
    await mkdir(name, { mode: 0o700 });
  }
  await writeSettings(inDirectory('setup.conf'), {
    create_certs_tool: (await findProgram('swtpm_localca')) ?? '',
    create_certs_tool_config: inDirectory('manufacturer.conf'),
    create_certs_tool_options: inDirectory('manufacturer.options'),
    active_pcr_banks: 'sha256',
  });
  await writeSettings(inDirectory('manufacturer.conf'), {
    statedir: inDirectory('manufacturer'),
    signingkey: inDirectory('manufacturer/key.pem'),
    issuercert: inDirectory('manufacturer/ca.pem'),
    certserial: inDirectory('manufacturer/serial'),
  });
  await writeFileAtomic(
    inDirectory('manufacturer.options'),
    '--platform-manufacturer Countersign\n--platform-version 1\n--platform-model Demo\n',
  );
  const state = ['--tpmstate', inDirectory('state'), '--config', inDirectory('setup.conf')];
  await runTool('swtpm_setup', ['--tpm2', ...state, '--createek', '--create-ek-cert', '--overwrite']);
  const certificates = ['ca.pem', 'swtpm-localca-rootca-cert.pem'].map(async (name) =>
    readFile(inDirectory(join('manufacturer', name)), 'utf8'),
  );
  const roots = inDirectory('endorsement-roots.pem');
  await writeFileAtomic(roots, (await Promise.all(certificates)).join(''));
  await rm(inDirectory('manufacturer'), { recursive: true });
  return roots;
}

async function emulate(directory: string, sockets: string): Promise<ChildProcess> {
  const state = ['--tpmstate', `dir=${join(directory, 'state')}`, '--flags', 'not-need-init,startup-clear'];
  const channels = ['tpm', 'control'].map((name) => `type=unixio,path=${join(sockets, name)}`);
  const [server = '', control = ''] = channels;
  const child = spawn('swtpm', ['socket', '--tpm2', ...state, '--server', server, '--ctrl', control], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  while (!(await exists(join(sockets, 'control')))) {
    if (child.exitCode !== null) throw toolFailed('swtpm', log);
    await delay(5);
  }
  return child;
}

/** TPM2_Shutdown, without which the TPM takes the end of its power for an attack on the PIN. */
async function stop(uri: string, child: ChildProcess, sockets: string): Promise<void> {
  try {
    const queue = new TpmCommandQueue(await openTransport(uri));
    try {
      await shutdown(queue, 'clear');
    } finally {
      await queue.close();
    }
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    }
    await rm(sockets, { recursive: true, force: true });
  }
}

async function runTool(tool: string, options: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(tool, options, { timeout: 120_000 });
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    throw toolFailed(tool, output);
  }
}

function toolFailed(tool: string, output: string): CountersignError {
  return new CountersignError(
    'PROVIDER_NOT_AVAILABLE',
    `${tool} failed: ${output.trim().split('\n').slice(-3).join(' / ')}`,
    'Mend the installation of swtpm and swtpm-tools.',
  );
}

async function writeSettings(path: string, values: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  await writeFileAtomic(path, lines.join(''));
}

async function findProgram(name: string): Promise<string | undefined> {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, name);
    if (directory !== '' && (await isExecutable(path))) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
