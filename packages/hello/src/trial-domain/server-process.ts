import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { listens } from './listening.ts';
import { serverPath } from './requirements.ts';
import { notAvailable } from './trial-failure.ts';

export interface ServerProcess {
  readonly pid: number;
  /** Ends the process, and waits until it is gone. */
  stop(): Promise<void>;
}

export interface ServerStart {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** TCP ports of loopback that nothing may listen on before, and the server must afterwards. */
  readonly ports: readonly number[];
  /** Gets what the server writes. */
  readonly logFile: string;
}

/**
 * Starts a server that stays one process. The kernel ends it when the process (to be exact, the thread) that started it
 * ends, however that happens: nothing is left listening behind a test or a demonstration that was killed.
 * @throws CountersignError `TRIAL_DOMAIN_NOT_AVAILABLE`
 */
export async function startServer(start: ServerStart): Promise<ServerProcess> {
  const { program, ports, logFile } = start;
  await assertFree(program, ports);
  const { child, pid } = await spawnServer(start);
  const stop = async (): Promise<void> => {
    if (hasEnded(child)) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  };
  const failure = await whyNotListening(child, ports);
  if (failure === undefined) return { pid, stop };
  await stop();
  const last = (await readFile(logFile, 'utf8')).trim().split('\n').slice(-5).join(' / ');
  throw notAvailable(`${program} ${failure}: ${last}`, `Look at what ${program} says.`);
}

async function assertFree(program: string, ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    if (!(await listens(port))) continue;
    throw notAvailable(
      `${program} cannot have port ${port}, which another server on this machine listens on`,
      'Stop that server, which may be a directory or a KDC, or wait until it is done.',
    );
  }
}

async function spawnServer({
  program,
  args,
  env,
  logFile,
}: ServerStart): Promise<{ readonly child: ChildProcess; readonly pid: number }> {
  const log = await open(logFile, 'a', 0o600);
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', program, ...args], {
    // Samba ends when its standard input does: it has one for as long as it runs.
    stdio: ['pipe', log.fd, log.fd],
    env: { ...process.env, PATH: serverPath(), ...env },
  });
  const failure = once(child, 'error').then(([error]: unknown[]) => error);
  await log.close();
  const { pid } = child;
  if (pid !== undefined) return { child, pid };
  throw notAvailable(`${program} does not start`, `Install ${program}.`, await failure);
}

/** Waits until it listens on all ports. @returns what keeps it from it, or undefined */
async function whyNotListening(child: ChildProcess, ports: readonly number[]): Promise<string | undefined> {
  const deadline = performance.now() + startTimeoutMs;
  for (const port of ports) {
    while (!(await listens(port))) {
      if (hasEnded(child)) return 'ended before it listened';
      if (performance.now() > deadline) return `does not listen after ${startTimeoutMs / 1000} seconds`;
      await delay(20);
    }
  }
  return undefined;
}

const startTimeoutMs = 60_000;

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
