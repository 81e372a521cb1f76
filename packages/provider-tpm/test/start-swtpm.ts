import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { SocketEndpoint } from '@countersign/provider-tpm';

export interface Swtpm {
  readonly endpoint: SocketEndpoint;
  readonly control: SocketEndpoint;
  /** The `tpm:` URI of the endpoint. */
  readonly uri: string;
  readonly directory: string;
  /** Ends the process without a word, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same endpoints and state. */
  restart(): Promise<void>;
  /** Waits until the process has ended by itself. */
  ended(): Promise<void>;
  /** Ends the process and removes its state. */
  stop(): Promise<void>;
}

export interface SwtpmOptions {
  readonly over?: 'tcp' | 'unix';
  /** TPM 2.0 by default. */
  readonly version?: '1.2' | '2.0';
  /** Whether swtpm itself sends TPM2_Startup; default true. */
  readonly started?: boolean;
  /** What is to be done with the state's directory before the first start. */
  readonly prepare?: (directory: string) => Promise<void>;
}

/** A software TPM of its own, with its state in a temporary directory. */
export async function startSwtpm(options: SwtpmOptions = {}): Promise<Swtpm> {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-swtpm-'));
  await options.prepare?.(directory);
  const [endpoint, control] = await endpoints(options.over ?? 'tcp', directory);
  const parameters = [
    'socket',
    ...(options.version === '1.2' ? [] : ['--tpm2']),
    '--tpmstate',
    `dir=${directory}`,
    '--server',
    swtpmAddress(endpoint),
    '--ctrl',
    swtpmAddress(control),
    '--flags',
    options.started === false ? 'not-need-init' : 'not-need-init,startup-clear',
  ];
  let process = await launch(parameters, [endpoint, control]);
  const kill = async () => {
    if (process.exitCode !== null || process.signalCode !== null) return;
    const gone = once(process, 'exit');
    process.kill('SIGKILL');
    await gone;
  };
  return {
    endpoint,
    control,
    uri:
      endpoint.kind === 'tcp'
        ? `tpm:swtpm=${endpoint.host}:${endpoint.port}`
        : `tpm:swtpm-unix=${endpoint.path}`,
    directory,
    kill,
    async restart() {
      await kill();
      process = await launch(parameters, [endpoint, control]);
    },
    async ended() {
      if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
    },
    async stop() {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A TCP port of 127.0.0.1 that was free a moment ago, as was the next one: where tools look for the control channel. */
export async function freePort(): Promise<number> {
  for (;;) {
    const first = await listenOn(0);
    if (first === undefined) throw new Error('no port is free');
    const { port } = first;
    const second = port < 0xffff ? await listenOn(port + 1) : undefined;
    await first.close();
    await second?.close();
    if (second !== undefined) return port;
  }
}

async function listenOn(
  port: number,
): Promise<{ readonly port: number; readonly close: () => Promise<void> } | undefined> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port was given');
  return {
    port: address.port,
    async close() {
      server.close();
      await once(server, 'close');
    },
  };
}

async function endpoints(
  over: 'tcp' | 'unix',
  directory: string,
): Promise<readonly [SocketEndpoint, SocketEndpoint]> {
  if (over === 'unix') {
    return [
      { kind: 'unix', path: join(directory, 'tpm') },
      { kind: 'unix', path: join(directory, 'tpm.ctrl') }, // where tools look for it
    ];
  }
  const port = await freePort();
  return [
    { kind: 'tcp', host: '127.0.0.1', port },
    { kind: 'tcp', host: '127.0.0.1', port: port + 1 },
  ];
}

function swtpmAddress(endpoint: SocketEndpoint): string {
  return endpoint.kind === 'unix'
    ? `type=unixio,path=${endpoint.path}`
    : `type=tcp,port=${endpoint.port},bindaddr=${endpoint.host}`;
}

async function launch(
  parameters: readonly string[],
  awaited: readonly SocketEndpoint[],
): Promise<ChildProcess> {
  const child = spawn('swtpm', parameters, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (data) => (log += String(data)));
  for (;;) {
    if (child.exitCode !== null) throw new Error(`swtpm ended with ${child.exitCode}: ${log}`);
    const listening = await Promise.all(awaited.map(async (endpoint) => listens(endpoint)));
    if (!listening.includes(false)) return child;
    await delay(5);
  }
}

/** Asked of the kernel, since a connection that only tries would take the one client's place. */
async function listens(endpoint: SocketEndpoint): Promise<boolean> {
  if (endpoint.kind === 'unix') {
    // Num RefCount Protocol Flags Type St Inode Path; the flag is that connections are accepted.
    const lines = (await readFile('/proc/net/unix', 'utf8')).split('\n').map((line) => line.split(/\s+/));
    return lines.some((fields) => fields[3] === '00010000' && fields[7] === endpoint.path);
  }
  const port = endpoint.port.toString(16).toUpperCase().padStart(4, '0');
  return (await readFile('/proc/net/tcp', 'utf8')).includes(`0100007F:${port} 00000000:0000 0A`);
}
