import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { sequence } from '@countersign/core/asn1';
import { krbError, paData } from './kerberos-der.ts';
import { readAsRequest } from './read-as-request.ts';

export interface KdcOnLoopback {
  readonly host: string;
  readonly port: number;
}

/** What a scripted KDC sends: a message, octets without a length in front, or nothing ever. */
export type Answer = { readonly message: Uint8Array } | { readonly octets: Uint8Array } | 'silence';

/** A TCP server that answers each message from a script, and closes. */
export async function startScriptedKdc(
  answer: (asRequest: Uint8Array) => Answer | Promise<Answer>,
): Promise<KdcOnLoopback> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readUInt32BE()) return;
      void replyTo(socket, answer, received.subarray(4));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return { host: '127.0.0.1', port: address.port };
}

/** A script that fails shows as a message in place of the reply. */
async function replyTo(
  socket: Socket,
  answer: (asRequest: Uint8Array) => Answer | Promise<Answer>,
  asRequest: Uint8Array,
): Promise<void> {
  try {
    const reply = await answer(asRequest);
    if (reply !== 'silence') socket.end('octets' in reply ? reply.octets : withLength(reply.message));
  } catch (error) {
    socket.end(withLength(Buffer.from(`the script of the KDC failed: ${String(error)}`)));
  }
}

/** A scripted KDC that first asks for preauthentication, as KDCs do, and answers signed requests from the script. */
export async function startPkinitKdc(
  answer: (asRequest: Uint8Array) => Answer | Promise<Answer>,
  methods: readonly Uint8Array[] = [paData(16, new Uint8Array())],
): Promise<KdcOnLoopback> {
  return startScriptedKdc((asRequest) =>
    readAsRequest(asRequest).paData.has(16)
      ? answer(asRequest)
      : { message: krbError({ code: 25, data: sequence(...methods) }) },
  );
}

export function withLength(message: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  return Buffer.concat([length, message]);
}
