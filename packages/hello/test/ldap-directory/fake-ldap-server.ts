import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { LdapDirectory, type LdapDirectoryOptions } from '@countersign/hello/ldap-directory';
import { onTestFinished } from 'vitest';
import { makeTlsCertificates } from '@countersign/hello/trial-domain';
import { readRequest, type LdapRequest } from './ldap-messages.ts';

/** Octets to send, one after the other; `cut` closes the connection, also after octets; nothing for silence. */
export type FakeAnswer = readonly (Uint8Array | 'cut')[];

export interface FakeLdapServer {
  /** What is needed to open it as a directory; a password that the server does not check. */
  readonly options: LdapDirectoryOptions;
  /** What was asked, with the number of the connection, from 1. */
  readonly requests: readonly (LdapRequest & { readonly connection: number })[];
  /** Opens it, until the test ends. */
  open(changes?: Partial<LdapDirectoryOptions>): Promise<LdapDirectory>;
}

/** A server that answers whatever it is told to, for what a real one does not do. It goes when the test ends. */
export async function startFakeLdapServer(
  answer: (request: LdapRequest) => FakeAnswer,
): Promise<FakeLdapServer> {
  const { ca, cert, key } = await certificates();
  const sockets = new Set<TLSSocket>();
  const requests: (LdapRequest & { readonly connection: number })[] = [];
  const server = createServer({ cert, key });
  let connections = 0;
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    connections += 1;
    const connection = connections;
    let pending: Buffer = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (octets: Buffer) => {
      pending = Buffer.concat([pending, octets]);
      for (let request = readRequest(pending); request !== undefined; request = readRequest(pending)) {
        pending = pending.subarray(request.length);
        requests.push({ ...request, connection });
        for (const piece of answer(request)) {
          if (piece === 'cut') socket.end();
          else if (!socket.writableEnded) socket.write(piece);
        }
      }
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
  const options = {
    url: `ldaps://127.0.0.1:${address.port}`,
    certificateAuthorities: [ca],
    bind: { name: 'CN=reader', password: Buffer.from('secret') },
  };
  return {
    options,
    requests,
    async open(changes) {
      const directory = await LdapDirectory.open({ ...options, ...changes });
      onTestFinished(async () => directory.close());
      return directory;
    },
  };
}

interface TlsOctets {
  readonly ca: Uint8Array;
  readonly cert: Buffer;
  readonly key: Buffer;
}

let made: Promise<TlsOctets> | undefined;

/** Made once for all tests of a file. */
async function certificates(): Promise<TlsOctets> {
  made ??= makeCertificates();
  return made;
}

async function makeCertificates(): Promise<TlsOctets> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-fake-ldap-'));
  try {
    const { caFile, certificateFile, keyFile } = await makeTlsCertificates(folder);
    return {
      ca: await readFile(caFile),
      cert: await readFile(certificateFile),
      key: await readFile(keyFile),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
