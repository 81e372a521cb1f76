import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface CuttingProxy {
  readonly port: number;
  /** How many connections there were so far. */
  readonly connections: () => number;
  /** Resets all connections that stand. */
  cutNow(): void;
  /** Resets the connection in which the `count`th piece comes from the server from now on, in place of that piece. */
  cutInsteadOfPiece(count: number): void;
  /** Whether the cut that was ordered was made. */
  readonly hasCut: () => boolean;
}

/** Passes octets on to a port of this machine, until it is told otherwise. It goes when the test ends. */
export async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let piecesLeft = Infinity;
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(target, '127.0.0.1');
    const cut = (): void => {
      client.resetAndDestroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', cut).on('close', cut);
    }
    client.pipe(upstream);
    upstream.on('data', (piece) => {
      piecesLeft -= 1;
      if (piecesLeft === 0) cut();
      else client.write(piece);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port was given');
  return {
    port: address.port,
    connections: () => connections,
    cutNow() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    cutInsteadOfPiece(count) {
      piecesLeft = count;
    },
    hasCut: () => piecesLeft <= 0,
  };
}
