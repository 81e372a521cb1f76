import { element } from '@countersign/core/asn1';
import { beforeAll, expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { aliceSignsIn, enrollAlice, type Enrolled } from './alice-signs-in.ts';
import { forgeReply, type ReplyFields } from './forged-reply.ts';
import { startPkinitKdc } from './scripted-kdc.ts';

let enrolled: Enrolled;

beforeAll(async () => {
  enrolled = await enrollAlice();
});

const fiveOctets = element(0x02, Uint8Array.of(1, 0, 0, 0, 0));

test.for<[what: string, changes: Partial<ReplyFields>, message: RegExp]>([
  ['a nonce above 32 bits', { encryptedNonce: fiveOctets }, /too large/u],
  ['a negative nonce', { encryptedNonce: element(0x02, Uint8Array.of(0xff)) }, /negative/u],
  ['a key type above 32 bits', { sessionKeyType: fiveOctets }, /too large/u],
  ['flags of 8 bits', { ticketFlags: element(0x03, Uint8Array.of(0, 0x40)) }, /fewer than 32 bits/u],
  ['flags with 9 unused bits', { ticketFlags: element(0x03, Uint8Array.of(9, 0, 0, 0, 0)) }, /fewer than/u],
  ['a name with a line break', { client: ['al\nice'] }, /control characters/u],
  ['a name of no components', { client: [] }, /no components/u],
])('%s is malformed', async ([, changes, message]) => {
  const kdc = await startPkinitKdc(async (asRequest) => ({
    message: await forgeReply(asRequest, enrolled.kdc, changes),
  }));
  expect((await refusal(aliceSignsIn(enrolled, kdc), 'KDC_REPLY_MALFORMED')).message).toMatch(message);
});

test.for<[what: string, found: string, instead: string, message: RegExp]>([
  ['another version of the protocol', 'a003020105a103', 'a003020104a103', /pvno is 4/u],
  ['another type of message', 'a10302010b', 'a10302010d', /msg-type is 13/u],
  ['another version of the ticket', 'a003020105a10e', 'a003020104a10e', /tkt-vno is 4/u],
  ['a name that is no UTF-8', '616c696365', '61ff696365', /not UTF-8/u],
])('%s is malformed', async ([, found, instead, message]) => {
  const kdc = await startPkinitKdc(async (asRequest) => {
    const reply = Buffer.from(await forgeReply(asRequest, enrolled.kdc)).toString('hex');
    return { message: Buffer.from(reply.replace(found, instead), 'hex') };
  });
  expect((await refusal(aliceSignsIn(enrolled, kdc), 'KDC_REPLY_MALFORMED')).message).toMatch(message);
});
