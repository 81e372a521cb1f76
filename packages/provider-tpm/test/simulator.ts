import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { SocketEndpoint, SwtpmControl, TpmTransport } from '@countersign/provider-tpm';
import { freePort } from './start-swtpm.ts';

export interface Simulator {
  readonly command: SocketEndpoint & { readonly kind: 'tcp' };
  readonly platform: SocketEndpoint & { readonly kind: 'tcp' };
  /** What came on the platform port, as numbers of TpmTcpProtocol.h. */
  readonly signals: number[];
  readonly localities: number[];
  /** What the next acknowledgement after a response says; nought by default. */
  acknowledgement: number;
  stop(): Promise<void>;
}

/** Speaks the protocol of the TPM 2.0 reference simulator in front of a swtpm. Power on is passed on as CMD_INIT. */
export async function startSimulator(tpm: TpmTransport, control: SwtpmControl): Promise<Simulator> {
  const port = await freePort();
  let powered = false;
  const sockets = new Set<Socket>();
  const simulator: Simulator = {
    command: { kind: 'tcp', host: '127.0.0.1', port },
    platform: { kind: 'tcp', host: '127.0.0.1', port: port + 1 },
    signals: [],
    localities: [],
    acknowledgement: 0,
    async stop() {
      for (const socket of sockets) socket.destroy();
      for (const server of [commands, platform]) {
        server.close();
        await once(server, 'close');
      }
    },
  };
  const commands = await listen(port, sockets, async (read, socket) => {
    for (;;) {
      const kind = (await read(4)).readUInt32BE();
      if (kind === 20) return socket.end();
      if (kind !== 8) throw new Error(`a command ${kind} came`);
      simulator.localities.push((await read(1)).readUInt8());
      const command = await read((await read(4)).readUInt32BE());
      // Without power the simulator answers with no response at all.
      const response = powered ? await tpm.exchange(command) : new Uint8Array();
      socket.write(Buffer.concat([uint32(response.length), response, uint32(simulator.acknowledgement)]));
    }
  });
  const platform = await listen(port + 1, sockets, async (read, socket) => {
    for (;;) {
      const signal = (await read(4)).readUInt32BE();
      simulator.signals.push(signal);
      if (signal === 20) return socket.end();
      if (signal === 1 && !powered) await control.init();
      if (signal === 1) powered = true;
      if (signal === 2) powered = false;
      socket.write(uint32(0));
    }
  });
  return simulator;
}

type Read = (length: number) => Promise<Buffer>;

async function listen(
  port: number,
  sockets: Set<Socket>,
  serve: (read: Read, socket: Socket) => Promise<unknown>,
): Promise<Server> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    serve(reader(socket), socket).catch(() => socket.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function reader(socket: Socket): Read {
  return async (length) => {
    for (;;) {
      const bytes: unknown = length === 0 ? Buffer.alloc(0) : socket.read(length);
      if (Buffer.isBuffer(bytes) && bytes.length === length) return bytes;
      if (socket.readableEnded || socket.destroyed) throw new Error('the client left');
      const { promise, resolve } = Promise.withResolvers<void>();
      const events = ['readable', 'end', 'close'];
      for (const event of events) socket.once(event, resolve);
      await promise;
      for (const event of events) socket.off(event, resolve);
    }
  };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
