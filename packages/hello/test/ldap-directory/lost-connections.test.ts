import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { LdapDirectory } from '@countersign/hello/ldap-directory';
import { describe, expect, onTestFinished, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { aliceDn, aliceUpn, answerOfDomain } from './fake-domain.ts';
import { type FakeAnswer, startFakeLdapServer } from './fake-ldap-server.ts';
import { done, type LdapRequest, message, tlv } from './ldap-messages.ts';

/** A domain whose first answers about Alice are others; `undefined` for the right one. */
function answeringFirst(
  ...answers: readonly (FakeAnswer | undefined)[]
): (request: LdapRequest) => FakeAnswer {
  const left = [...answers];
  return (request) => (request.name === aliceDn ? left.shift() : undefined) ?? answerOfDomain(request);
}

describe('a connection that is cut', () => {
  test('while it stood is opened again, bound before anything is asked, and asked again', async () => {
    const server = await startFakeLdapServer(answeringFirst(undefined, ['cut']));
    const directory = await server.open();
    const found = await directory.findByUpn(aliceUpn);
    expect(await directory.findByUpn(aliceUpn)).toEqual(found);
    const second = server.requests.filter(({ connection }) => connection === 2);
    expect(second.map(({ operation }) => operation)).toEqual(['bind', 'search', 'search']);
    expect(second[0]?.octets.includes('secret')).toBe(true);
  });

  test('in the midst of an answer is as good as before it', async () => {
    const half = tlv(0x30, Buffer.alloc(100)).subarray(0, 50);
    const server = await startFakeLdapServer(answeringFirst(undefined, [half, 'cut']));
    const directory = await server.open();
    const found = await directory.findByUpn(aliceUpn);
    expect(await directory.findByUpn(aliceUpn)).toEqual(found);
  });

  test('twice is told, and works again as soon as the server does', async () => {
    const server = await startFakeLdapServer(answeringFirst(['cut'], ['cut']));
    const directory = await server.open();
    await refusal(directory.findByUpn(aliceUpn), 'DIRECTORY_UNREACHABLE');
    expect(new Set(server.requests.map(({ connection }) => connection))).toEqual(new Set([1, 2]));
    expect(await directory.findByUpn(aliceUpn)).toMatchObject({ distinguishedName: aliceDn });
  });

  test('with notice from the server is opened again', async () => {
    // RFC 4511 4.4.1, 1.3.6.1.4.1.1466.20036.
    const result = [tlv(0x0a, Uint8Array.of(52)), tlv(0x04), tlv(0x04, 'going down')];
    const notice = message(0, tlv(0x78, ...result, tlv(0x8a, '1.3.6.1.4.1.1466.20036')));
    const server = await startFakeLdapServer(answeringFirst([notice], [notice]));
    const directory = await server.open();
    const error = await refusal(directory.findByUpn(aliceUpn), 'DIRECTORY_UNREACHABLE');
    expect(error.message).toContain('going down');
    expect(await directory.findByUpn(aliceUpn)).toMatchObject({ distinguishedName: aliceDn });
  });

  test('under many look-ups at once is opened once for all of them', async () => {
    let isUp = true;
    const server = await startFakeLdapServer((request) => (isUp ? answerOfDomain(request) : ['cut']));
    const directory = await server.open();
    isUp = false;
    await refusal(directory.findByUpn(aliceUpn), 'DIRECTORY_UNREACHABLE');
    isUp = true;
    const before = server.requests.at(-1)?.connection ?? 0;
    const found = await Promise.all(Array.from({ length: 20 }, async () => directory.findByUpn(aliceUpn)));
    expect(found.every((user) => user?.distinguishedName === aliceDn)).toBe(true);
    expect(server.requests.at(-1)?.connection).toBe(before + 1);
  });

  test('whose bind is refused on the way back is told, and nothing is asked unbound', async () => {
    let isKnown = true;
    const server = await startFakeLdapServer((request) => {
      if (request.operation === 'bind' && !isKnown) return [done(request.id, 'bind', 49)];
      if (request.name !== aliceDn) return answerOfDomain(request);
      isKnown = false;
      return ['cut'];
    });
    const directory = await server.open();
    await refusal(directory.findByUpn(aliceUpn), 'DIRECTORY_REFUSED');
    const second = server.requests.filter(({ connection }) => connection === 2);
    expect(
      second.filter(({ operation }) => operation !== 'unbind').map(({ operation }) => operation),
    ).toEqual(['bind']);
  });
});

describe('a server that says nothing', () => {
  test('is given up, once and not twice', async () => {
    const server = await startFakeLdapServer(answeringFirst([]));
    const directory = await server.open({ timeoutMs: 150 });
    const error = await refusal(directory.findByUpn(aliceUpn), 'DIRECTORY_UNREACHABLE');
    expect(error.message).toContain('150 ms');
    expect(server.requests.at(-1)?.connection).toBe(1);
    expect(await directory.findByUpn(aliceUpn)).toMatchObject({ distinguishedName: aliceDn });
  });

  test('from the start, without TLS, is given up', async () => {
    const { url, options } = await openPort(() => undefined);
    const error = await refusal(
      LdapDirectory.open({ ...options, url, timeoutMs: 150 }),
      'DIRECTORY_UNREACHABLE',
    );
    expect(error.message).toContain('150 ms');
  });

  test('but hangs up, or speaks another protocol, is told', async () => {
    for (const greet of [(socket: Socket) => socket.end(), (socket: Socket) => socket.end('220 smtp\r\n')]) {
      const { url, options } = await openPort(greet);
      await refusal(LdapDirectory.open({ ...options, url }), 'DIRECTORY_UNREACHABLE');
    }
  });

  test('because there is none, is told', async () => {
    const { url, options, close } = await openPort(() => undefined);
    await close();
    const error = await refusal(LdapDirectory.open({ ...options, url }), 'DIRECTORY_UNREACHABLE');
    expect(error.message).toContain('ECONNREFUSED');
  });
});

/** A port without TLS, until the test ends, and options that fit but for the URL. */
async function openPort(greet: (socket: Socket) => unknown): Promise<{
  readonly url: string;
  readonly options: Awaited<ReturnType<typeof startFakeLdapServer>>['options'];
  readonly close: () => Promise<void>;
}> {
  const { options } = await startFakeLdapServer(answerOfDomain);
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => socket.destroy()));
    greet(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port was given');
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  onTestFinished(close);
  return { url: `ldaps://127.0.0.1:${address.port}`, options, close };
}
