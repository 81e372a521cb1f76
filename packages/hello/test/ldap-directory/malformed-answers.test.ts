import { CountersignError } from '@countersign/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { aliceDn, aliceUpn, aliceValues, answerOfDomain, baseDn } from './fake-domain.ts';
import { type FakeAnswer, startFakeLdapServer } from './fake-ldap-server.ts';
import { done, entry, integer, type LdapRequest, message, tlv } from './ldap-messages.ts';

/** A domain that answers differently when it is asked for Alice's entry. */
function whenReadingAlice(
  answer: (request: LdapRequest) => FakeAnswer,
): (request: LdapRequest) => FakeAnswer {
  return (request) => (request.name === aliceDn ? answer(request) : answerOfDomain(request));
}

describe('an answer', () => {
  test('in pieces of one octet is read', async () => {
    const server = await startFakeLdapServer((request) =>
      answerOfDomain(request).flatMap((piece): FakeAnswer =>
        piece === 'cut' ? [piece] : [...piece].map((octet) => Uint8Array.of(octet)),
      ),
    );
    expect(await (await server.open()).findByUpn(aliceUpn)).toMatchObject({ distinguishedName: aliceDn });
  });

  test('with all entries in one piece is read', async () => {
    const server = await startFakeLdapServer((request) => {
      const pieces = answerOfDomain(request);
      return pieces.includes('cut') ? pieces : [Buffer.concat(pieces.filter((piece) => piece !== 'cut'))];
    });
    expect(await (await server.open()).findByUpn(aliceUpn)).toMatchObject({ distinguishedName: aliceDn });
  });

  test.each<[string, (id: number) => Buffer]>([
    ['that is of another protocol', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['of nothing', () => tlv(0x30)],
    ['without a number', () => tlv(0x30, tlv(0x65, tlv(0x0a, Uint8Array.of(0))))],
    ['with a number of 5 octets', () => tlv(0x30, tlv(0x02, Buffer.alloc(5, 1)), tlv(0x65))],
    ['to a number that was not asked', (id) => done(id + 77, 'search')],
    ['of an operation that was not asked', (id) => done(id, 'modify')],
    ['of an unknown operation', (id) => message(id, tlv(0x7e))],
    ['of the wrong type throughout', (id) => message(id, tlv(0x65, integer(0), integer(0), integer(0)))],
    ['with an indefinite length', () => Buffer.from('3080020101', 'hex')],
    ['with a length of 5 octets', () => Buffer.from('308500000000050201010000', 'hex')],
    ['with a length of 2 GiB', () => Buffer.from('308480000000020101', 'hex')],
    ['with a tag of 2 octets', () => Buffer.from('3f81010201010000', 'hex')],
    ['with more after the controls', (id) => tlv(0x30, integer(id), tlv(0x65), tlv(0xa0), tlv(0x04))],
    ['nested too deep', (id) => message(id, nested(40))],
    ['with an operation that reaches too far', () => Buffer.from('3007020102647f0400', 'hex')],
    // The one below would keep a parser busy for ever that takes lengths on trust.
    ['with a value that reaches too far', (id) => withValues(id, Buffer.from('047f41', 'hex'))],
    ['with a value whose header is cut', (id) => withValues(id, Buffer.from('0484ff', 'hex'))],
    ['with a value that is no octet string', (id) => withValues(id, integer(1))],
    [
      'with attributes that are octets',
      (id) => message(id, tlv(0x64, tlv(0x04, aliceDn), tlv(0x04, '0\u007f'))),
    ],
    [
      'with an attribute without values',
      (id) => message(id, tlv(0x64, tlv(0x04), tlv(0x30, tlv(0x30, tlv(0x04))))),
    ],
    ['with more after the attributes', (id) => message(id, tlv(0x64, tlv(0x04), tlv(0x30), tlv(0x30)))],
  ])('%s is refused, and the connection is not used again', async (_, make) => {
    let answers = 0;
    const server = await startFakeLdapServer(
      whenReadingAlice((request) => {
        answers += 1;
        return answers === 1 ? [make(request.id)] : answerOfDomain(request);
      }),
    );
    const directory = await server.open();
    await refusal(directory.findByUpn(aliceUpn), 'DIRECTORY_REPLY_MALFORMED');
    expect(await directory.findByUpn(aliceUpn)).toMatchObject({ distinguishedName: aliceDn });
    expect(server.requests.at(-1)?.connection).toBe(2);
    expect(server.requests.find(({ connection }) => connection === 2)?.operation).toBe('bind');
  });

  test('that was damaged on any octet is read or refused, and nothing hangs', async () => {
    let damage: { readonly at: number; readonly by: number } | undefined;
    const server = await startFakeLdapServer(
      whenReadingAlice((request) => {
        const octets = Buffer.concat(answerOfDomain(request).filter((piece) => piece !== 'cut'));
        if (damage === undefined) return [octets];
        const at = damage.at % octets.length;
        octets[at] = (octets[at] ?? 0) ^ damage.by;
        return [octets, 'cut'];
      }),
    );
    const directory = await server.open();
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        damage = { at, by };
        const outcome = await directory.findByUpn(aliceUpn).catch((error: unknown) => error);
        if (outcome instanceof Error && !(outcome instanceof CountersignError)) throw outcome;
      }),
      { numRuns: 150 },
    );
    damage = undefined;
    expect(await directory.findByUpn(aliceUpn)).toMatchObject({ distinguishedName: aliceDn });
  });

  test('that says no cannot steer the terminal on which it is shown', async () => {
    const diagnostic = `\u001B[2J\u0007no\n${'x'.repeat(1000)}`;
    const server = await startFakeLdapServer(
      whenReadingAlice(({ id }) => [done(id, 'search', 1, { diagnostic })]),
    );
    const error = await refusal((await server.open()).findByUpn(aliceUpn), 'DIRECTORY_REFUSED');
    expect(error.message).toContain('result code (1), [2J no xxx');
    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect(error.message.length).toBeLessThan(500);
  });
});

describe('a server that is no domain controller', () => {
  test.each([
    ['names no domain', { namingContexts: [baseDn] }],
    ['names no configuration', { defaultNamingContext: [baseDn] }],
    ['has no such partition', { defaultNamingContext: [baseDn], configurationNamingContext: ['DC=none'] }],
  ])('is not opened: it %s', async (_, root) => {
    const server = await startFakeLdapServer((request) => {
      const { id, name } = request;
      if (name === '' && request.operation === 'search') return [entry(id, '', root), done(id, 'search')];
      return name === 'CN=Partitions,DC=none' ? [done(id, 'search', 32)] : answerOfDomain(request);
    });
    await refusal(server.open(), 'DIRECTORY_REPLY_MALFORMED');
  });
});

function nested(depth: number): Buffer {
  return depth === 0 ? tlv(0x04) : tlv(0x65, nested(depth - 1));
}

function withValues(id: number, values: Buffer): Buffer {
  const attribute = tlv(0x30, tlv(0x04, Object.keys(aliceValues)[0] ?? ''), tlv(0x31, values));
  return message(id, tlv(0x64, tlv(0x04, aliceDn), tlv(0x30, attribute)));
}
