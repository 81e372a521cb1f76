import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { SocketEndpoint } from '@countersign/provider-tpm';

export interface StreamPeer {
  readonly endpoint: SocketEndpoint;
  /** Connections made so far. */
  readonly connections: () => number;
  stop(): Promise<void>;
}

/** Listens on a free port and hands each whole command that comes, with its socket, to `answer`. */
export async function startPeer(
  answer: (socket: Socket, command: Buffer) => void | Promise<void>,
): Promise<StreamPeer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    connections += 1;
    socket.on('error', () => socket.destroy());
    let received = Buffer.alloc(0);
    socket.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data]);
      if (received.length < 10 || received.length < received.readUInt32BE(2)) return;
      const command = received;
      received = Buffer.alloc(0);
      Promise.resolve(answer(socket, command)).catch(() => socket.destroy());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port was given');
  return {
    endpoint: { kind: 'tcp', host: '127.0.0.1', port: address.port },
    connections: () => connections,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
