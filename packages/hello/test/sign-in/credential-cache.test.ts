import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  encodeCredentialCache,
  writeCredentialCache,
  type TicketGrantingTicket,
} from '@countersign/hello/sign-in';
import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { aliceSignsIn, enrollAlice } from './alice-signs-in.ts';
import { forgeReply } from './forged-reply.ts';
import { startPkinitKdc } from './scripted-kdc.ts';
import { realm } from './test-pki.ts';

const hour = 3_600_000;

test('klist reads what was written', async () => {
  const ticket = await ticketOfAlice();
  const path = join(await temporaryDirectory(), 'cache');
  const renewable = { ...ticket, renewTill: new Date(ticket.endTime.getTime() + hour), flags: 0x50e0_0000 };
  await writeCredentialCache(path, renewable);
  const listed = await klist(path, '-e', '-f');
  expect(listed).toContain(`Ticket cache: FILE:${path}\nDefault principal: alice@${realm}\n`);
  expect(listed).toContain(
    `${inKlist(ticket.startTime)}  ${inKlist(ticket.endTime)}  krbtgt/${realm}@${realm}`,
  );
  expect(listed).toContain(`renew until ${inKlist(renewable.renewTill)}, Flags: FPRIA`);
  expect(listed).toContain('Etype (skey, tkt): aes256-cts-hmac-sha1-96, aes256-cts-hmac-sha1-96');
  expect(await klist(path, '-C')).toContain(`config: pa_type(krbtgt/${realm}@${realm}) = 16`);
});

test.for([
  ['a user with a slash', ['alice', 'admin'], 'alice/admin'],
  ['a user with an at sign', ['alice@contoso.test'], String.raw`alice\@contoso.test`],
  ['a user beyond ASCII', ['älice'], 'älice'],
] as const)('klist reads the name of %s', async ([, components, expected]) => {
  const ticket = await ticketOfAlice();
  const path = join(await temporaryDirectory(), 'cache');
  await writeCredentialCache(path, { ...ticket, client: { realm, name: { nameType: 1, components } } });
  expect(await klist(path)).toContain(`Default principal: ${expected}@${realm}\n`);
});

test('the file is private, whatever it was before', async () => {
  const ticket = await ticketOfAlice();
  const path = join(await temporaryDirectory(), 'cache');
  await writeFile(path, 'what was here');
  await chmod(path, 0o644);
  await writeCredentialCache(path, ticket);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(Buffer.compare(await readFile(path), encodeCredentialCache(ticket))).toBe(0);
});

test('a cache that cannot be written leaves nothing behind', async () => {
  const ticket = await ticketOfAlice();
  const folder = await temporaryDirectory();
  await mkdir(join(folder, 'cache', 'in the way'), { recursive: true });
  await refusal(writeCredentialCache(join(folder, 'cache'), ticket), 'FILE_UNWRITABLE');
  await refusal(writeCredentialCache(join(folder, 'nowhere', 'cache'), ticket), 'FILE_UNWRITABLE');
  expect(await readdir(folder)).toStrictEqual(['cache']);
});

async function ticketOfAlice(): Promise<TicketGrantingTicket> {
  const enrolled = await enrollAlice();
  const kdc = await startPkinitKdc(async (asRequest) => ({
    message: await forgeReply(asRequest, enrolled.kdc),
  }));
  return aliceSignsIn(enrolled, kdc);
}

async function klist(path: string, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' };
  const { stdout } = await promisify(execFile)('klist', [...args, '-c', `FILE:${path}`], { env });
  return stdout;
}

/** How klist writes a time. */
function inKlist(date: Date): string {
  const [, year, month, day, time] =
    /^\d\d(\d\d)-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)/u.exec(date.toISOString()) ?? [];
  return `${month}/${day}/${year} ${time}`;
}
