import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addUser,
  alice,
  caIssue,
  countersignFor,
  enrollmentSite,
  expectCleanRefusal,
  raCountersign,
  type Site,
} from './enrollment-site.ts';
import { openssl, requestByOpenssl } from './openssl.ts';

const bob = {
  upn: 'bob@contoso.test',
  sid: 'S-1-5-21-1004336348-1177238915-682003330-1105',
  dn: 'CN=Bob Example,OU=Users,DC=contoso,DC=test',
  account: String.raw`CONTOSO\bob`,
};

let site: Site;
beforeAll(async () => {
  site = await enrollmentSite();
  await addUser(site, bob);
  await openssl(['req', '-in', 'alice.pem', '-outform', 'DER', '-out', 'alice.der'], site.path);
  await countersignFor(site, 'alice.pem', 'alice.cms');
});
afterAll(async () => site.remove());

describe('the RA refuses', () => {
  test('a key that nobody registered', async () => {
    await requestByOpenssl(site.path, 'stranger');
    const refusal = await expectCleanRefusal(
      site,
      'KEY_NOT_REGISTERED',
      raCountersign('stranger.pem', 'out.cms'),
    );
    expect(refusal.hint).toContain('countersign directory add');
  });

  test('a key that is registered for somebody else', async () => {
    await expectCleanRefusal(site, 'KEY_NOT_REGISTERED', raCountersign('alice.pem', 'out.cms', bob.upn));
  });

  test('a requester whom the directory does not know', async () => {
    const refusal = await expectCleanRefusal(
      site,
      'USER_NOT_FOUND',
      raCountersign('alice.pem', 'out.cms', 'mallory@contoso.test'),
    );
    expect(refusal.message).toContain('mallory@contoso.test');
  });

  test('a request that asks for somebody else’s UPN', async () => {
    const san = 'subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:bob@contoso.test';
    const request = ['req', '-new', '-key', 'alice.key', '-subj', '/CN=x', '-addext', san];
    await openssl([...request, '-out', 'as-bob.pem'], site.path);
    await expectCleanRefusal(site, 'REQUESTER_MISMATCH', raCountersign('as-bob.pem', 'out.cms'));
  });

  test('a request whose signature does not hold', async () => {
    const der = await readFile(join(site.path, 'alice.der'));
    der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
    await writeFile(join(site.path, 'unproven.der'), der);
    await expectCleanRefusal(site, 'PROOF_OF_POSSESSION_INVALID', raCountersign('unproven.der', 'out.cms'));
  });

  test('a request with something after it, in DER and in PEM', async () => {
    await appendTo('alice.der', 'longer.der', '\0');
    await expectCleanRefusal(site, 'DER_MALFORMED', raCountersign('longer.der', 'out.cms'));
    await appendTo('alice.pem', 'longer.pem', 'more\n');
    await expectCleanRefusal(site, 'PEM_MALFORMED', raCountersign('longer.pem', 'out.cms'));
  });

  test('a request that was cut short', async () => {
    await cutShort('alice.der', 'short.der');
    await expectCleanRefusal(site, 'DER_MALFORMED', raCountersign('short.der', 'out.cms'));
    await cutShort('alice.pem', 'short.pem');
    await expectCleanRefusal(site, 'PEM_MALFORMED', raCountersign('short.pem', 'out.cms'));
  });

  test('a request that is not there', async () => {
    await expectCleanRefusal(site, 'FILE_UNREADABLE', raCountersign('nowhere.pem', 'out.cms'));
  });
});

describe('the CA refuses', () => {
  test.each(['alice.pem', 'alice.der'])('a request that no RA countersigned: %s', async (request) => {
    const refusal = await expectCleanRefusal(site, 'REQUEST_NOT_COUNTERSIGNED', caIssue(request, 'out.pem'));
    expect(refusal.hint).toContain('countersign ra countersign');
  });

  test('a countersigned request with something after it', async () => {
    await appendTo('alice.cms', 'longer.cms', '\0');
    await expectCleanRefusal(site, 'DER_MALFORMED', caIssue('longer.cms', 'out.pem'));
  });

  test('a countersigned request that was cut short', async () => {
    await cutShort('alice.cms', 'short.cms');
    await expectCleanRefusal(site, 'DER_MALFORMED', caIssue('short.cms', 'out.pem'));
    await writeFile(join(site.path, 'empty.cms'), '');
    await expectCleanRefusal(site, 'PEM_MALFORMED', caIssue('empty.cms', 'out.pem'));
  });

  test('a countersigned request that it has answered before, under any name', async () => {
    await countersignFor(site, 'alice.pem', 'again.cms');
    await site.runJson(caIssue('again.cms', 'first.pem'));
    await expectCleanRefusal(site, 'REQUEST_REPLAYED', caIssue('again.cms', 'second.pem'));
    await writeFile(join(site.path, 'copy.cms'), await readFile(join(site.path, 'again.cms')));
    await expectCleanRefusal(site, 'REQUEST_REPLAYED', caIssue('copy.cms', 'second.pem'));
  });

  test('and nothing of that spoils the request itself or the audit trail', async () => {
    await site.runJson(caIssue('alice.cms', 'alice.crt'));
    expect(await site.runJson(['ca', 'audit', 'verify', '--dir', 'ca'])).toMatchObject({ whole: true });
  });
});

describe('the directory refuses', () => {
  const add = ['directory', 'add', '--dir'];
  const dave = ['--upn', 'dave@contoso.test', '--dn', 'CN=Dave', '--account', String.raw`CONTOSO\dave`];

  test('a malformed or incomplete first user, and is then not made', async () => {
    await expectCleanRefusal(site, 'USER_MALFORMED', [...add, 'new', ...dave, '--sid', 'S-1']);
    await expectCleanRefusal(site, 'USER_MALFORMED', [...add, 'new', ...dave]);
    await expectCleanRefusal(site, 'FILE_UNREADABLE', [...add, 'new', ...dave, '--key', 'nowhere.pem']);
  });

  test('a key that another user has, and then does not add its user either', async () => {
    const before = await site.runJson(['directory', 'show', '--dir', 'dir']);
    const dir = [...add, 'dir', ...dave, '--sid', 'S-1-5-21-1-2-3-1107', '--key', 'alice.pem'];
    const refusal = await expectCleanRefusal(site, 'KEY_REGISTERED_TO_ANOTHER', dir);
    expect(refusal.message).toContain(alice.upn);
    await expectCleanRefusal(site, 'KEY_REGISTERED_TO_ANOTHER', [
      ...add,
      'dir',
      '--upn',
      bob.upn,
      '--key',
      'alice.pem',
    ]);
    expect(await site.runJson(['directory', 'show', '--dir', 'dir'])).toEqual(before);
  });

  test('to change who a user is', async () => {
    const asBob = [...add, 'dir', '--upn', bob.upn, '--sid', alice.sid];
    await expectCleanRefusal(site, 'USER_EXISTS', asBob);
  });
});

async function appendTo(from: string, to: string, text: string): Promise<void> {
  await writeFile(join(site.path, to), await readFile(join(site.path, from)));
  await appendFile(join(site.path, to), text);
}

async function cutShort(from: string, to: string): Promise<void> {
  const bytes = await readFile(join(site.path, from));
  await writeFile(join(site.path, to), bytes);
  await truncate(join(site.path, to), Math.floor(bytes.length * 0.7));
}
