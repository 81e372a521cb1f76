import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Swtpm } from '../start-swtpm.ts';

/** What becomes of one response: what is sent in its place, each whole; nothing, and the connection ends. */
export type Alteration = (response: Buffer, earlier: readonly Buffer[]) => readonly Buffer[];

/** Stands between a provider and its TPM, and sees and may alter all that passes. */
export class TpmProxy {
  readonly #server: Server;
  readonly #tpm: Swtpm;
  readonly #sockets = new Set<Socket>();
  /** All that crossed, both ways. */
  readonly messages: Buffer[] = [];
  /** Alters the next response to a command with this code, or to any, once. */
  #armed: { readonly alter: Alteration; readonly commandCode: number | undefined } | undefined;

  private constructor(server: Server, tpm: Swtpm) {
    this.#server = server;
    this.#tpm = tpm;
    server.on('connection', (client) => this.#serve(client));
  }

  static async before(tpm: Swtpm): Promise<TpmProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new TpmProxy(server, tpm);
    onTestFinished(async () => proxy.close());
    return proxy;
  }

  get uri(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the proxy does not listen');
    return `tpm:swtpm=127.0.0.1:${address.port}`;
  }

  arm(alter: Alteration, commandCode?: number): void {
    this.#armed = { alter, commandCode };
  }

  get isArmed(): boolean {
    return this.#armed !== undefined;
  }

  contains(bytes: Uint8Array): boolean {
    return this.messages.some((message) => message.includes(Buffer.from(bytes)));
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(client: Socket): void {
    const { endpoint } = this.#tpm;
    if (endpoint.kind !== 'tcp') throw new Error('the proxy speaks TCP');
    const tpm = connect(endpoint.port, endpoint.host);
    const responses: Buffer[] = [];
    let commandCode = 0;
    let patience: NodeJS.Timeout | undefined;
    for (const [socket, other] of [
      [client, tpm],
      [tpm, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        clearTimeout(patience);
        other.destroy();
        this.#sockets.delete(socket);
      });
    }
    whole(client, (command) => {
      this.messages.push(command);
      commandCode = command.readUInt32BE(6);
      clearTimeout(patience);
      tpm.write(command);
    });
    whole(tpm, (response) => {
      this.messages.push(response);
      const armed = this.#armed;
      const isMeant = armed !== undefined && (armed.commandCode ?? commandCode) === commandCode;
      if (isMeant) this.#armed = undefined;
      const sent = isMeant ? armed.alter(response, responses) : [response];
      responses.push(response);
      for (const each of sent) client.write(each);
      if (sent.length === 0) client.destroy();
      // Whoever waits for what an altered length promises need not wait for ever.
      else if (isMeant) patience = setTimeout(() => client.destroy(), 250);
    });
  }
}

/** Hands over whole messages: their length stands in octets 2 to 5 (TPM 2.0 part 1, 18). */
function whole(socket: Socket, take: (message: Buffer) => void): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 10 && pending.length >= pending.readUInt32BE(2)) {
      const length = pending.readUInt32BE(2);
      take(Buffer.from(pending.subarray(0, length)));
      pending = pending.subarray(length);
    }
  });
}
