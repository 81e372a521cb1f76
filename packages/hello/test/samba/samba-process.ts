import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { DomainFiles } from './provision.ts';

export interface SambaProcess {
  readonly pid: number;
  /** Ends the process, and waits until it is gone. */
  stop(): Promise<void>;
}

/**
 * Starts the domain controller as one process without children. Run interactively it ends by itself when its standard
 * input does: so it does not outlive a test process that was killed.
 */
export async function startProcess(files: DomainFiles): Promise<SambaProcess> {
  const { configFile, krb5ConfigFile, logFile } = files;
  for (const port of ports) {
    if (await listens(port)) throw new Error(`port ${port} is taken, by another directory server or KDC`);
  }
  const log = await open(logFile, 'a');
  const args = ['--interactive', `--configfile=${configFile}`, '--no-process-group', '--model=single'];
  const child = spawn('samba', args, {
    stdio: ['pipe', log.fd, log.fd],
    env: { ...process.env, KRB5_CONFIG: krb5ConfigFile },
  });
  const startFailure = once(child, 'error').then(([error]) => error as unknown);
  await log.close();
  const { pid } = child;
  if (pid === undefined) throw new Error('samba does not start', { cause: await startFailure });
  for (const port of ports) {
    while (!(await listens(port))) {
      if (hasEnded(child)) throw new Error(`samba ended: ${await readFile(logFile, 'utf8')}`);
      await delay(20);
    }
  }
  return {
    pid,
    async stop() {
      if (hasEnded(child)) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}

const ports = [88, 389, 636];

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
