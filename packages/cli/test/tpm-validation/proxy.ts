import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { TrialTpm } from './trial-tpm.ts';

export interface ProxyOptions {
  /** How long each answer is kept back. */
  readonly delayMs?: number;
  /** What becomes of an answer; `command` is a TPM_CC, `position` counts answers from 0. */
  readonly alter?: (response: Buffer, command: number, position: number) => Buffer;
}

/** Stands between a program and a TPM, on real sockets. @returns the URI under which the TPM is reached through it */
export async function startProxy({ socket: path }: TrialTpm, options: ProxyOptions): Promise<string> {
  const { delayMs = 0, alter = (response) => response } = options;
  const clients = new Set<Socket>();
  let position = 0;
  const server = createServer((client) => {
    clients.add(client);
    const tpm = createConnection(path);
    let command = 0;
    client.on('data', (message) => {
      command = Buffer.from(message).readUInt32BE(6);
      tpm.write(message);
    });
    tpm.on('data', (message) => {
      const response = alter(Buffer.from(message), command, position);
      position += 1;
      void delay(delayMs).then(() => client.write(response));
    });
    client.on('error', () => tpm.destroy()).on('close', () => tpm.destroy());
    tpm.on('error', () => client.destroy()).on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const client of clients) client.destroy();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port was given');
  return `tpm:swtpm=127.0.0.1:${address.port}`;
}
