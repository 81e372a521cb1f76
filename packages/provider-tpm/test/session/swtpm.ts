import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { TpmChannel } from '../../src/session/index.ts';

/** A TPM in software on a UNIX socket; ends with the test. */
export class Swtpm implements TpmChannel {
  readonly #directory: string;
  #process: ChildProcess | undefined;
  #socket: Socket | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async start(): Promise<Swtpm> {
    const tpm = new Swtpm(await mkdtemp(join(tmpdir(), 'countersign-tpm-')));
    onTestFinished(async () => tpm.#end());
    await tpm.#boot();
    return tpm;
  }

  /** As pulling the plug: sessions and transient objects are gone, what is in NV stays. */
  async reset(): Promise<void> {
    await this.#halt();
    await this.#boot();
  }

  async exchange(command: Uint8Array): Promise<Uint8Array> {
    for (;;) {
      const response = await this.#exchangeOnce(command);
      // TPM_RC_RETRY: nothing was begun.
      if (Buffer.from(response).readUInt32BE(6) !== 0x922) return response;
      await delay(5);
    }
  }

  async #exchangeOnce(command: Uint8Array): Promise<Uint8Array> {
    const socket = this.#socket;
    if (socket === undefined) throw new Error('the swtpm is not running');
    return new Promise((resolve, reject) => {
      let response = Buffer.alloc(0);
      const onData = (chunk: Buffer): void => {
        response = Buffer.concat([response, chunk]);
        if (response.length < 10 || response.length < response.readUInt32BE(2)) return;
        socket.off('data', onData).off('close', onClose);
        resolve(Uint8Array.from(response));
      };
      const onClose = (): void => reject(new Error('the swtpm hung up'));
      socket.on('data', onData).once('close', onClose);
      socket.write(command);
    });
  }

  async #boot(): Promise<void> {
    const path = join(this.#directory, 'socket');
    await rm(path, { force: true });
    const options = ['--tpmstate', `dir=${this.#directory}`, '--flags', 'not-need-init,startup-clear'];
    const sockets = ['--server', `type=unixio,path=${path}`, '--ctrl', `type=unixio,path=${path}.ctrl`];
    const child = spawn('swtpm', ['socket', '--tpm2', ...options, ...sockets], { stdio: 'ignore' });
    this.#process = child;
    this.#socket = await connectOnceListening(child, path);
  }

  async #halt(): Promise<void> {
    this.#socket?.destroy();
    this.#socket = undefined;
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  async #end(): Promise<void> {
    await this.#halt();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** The socket is there a moment before anybody listens on it. */
async function connectOnceListening(child: ChildProcess, path: string): Promise<Socket> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`swtpm ended with ${child.exitCode}`);
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      return socket;
    } catch {
      socket.destroy();
      await delay(2);
    }
  }
}
