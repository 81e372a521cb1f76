import { beforeAll, expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { aliceSignsIn, enrollAlice, type Enrolled } from './alice-signs-in.ts';
import { forgeReply } from './forged-reply.ts';
import { freePort } from '@countersign/hello/trial-domain';
import { startPkinitKdc, startScriptedKdc, withLength, type Answer } from './scripted-kdc.ts';

let enrolled: Enrolled;

beforeAll(async () => {
  enrolled = await enrollAlice();
});

test('a KDC that nobody runs is unreachable', async () => {
  const kdc = { host: '127.0.0.1', port: await freePort() };
  const error = await refusal(aliceSignsIn(enrolled, kdc), 'KDC_UNREACHABLE');
  expect(error.message).toContain(`port ${kdc.port}`);
});

test('a host that does not exist is unreachable', async () => {
  await refusal(aliceSignsIn(enrolled, { host: 'kdc.invalid', port: 88 }), 'KDC_UNREACHABLE');
});

test('a KDC that never answers is given up', async () => {
  const kdc = await startScriptedKdc(() => 'silence');
  const error = await refusal(aliceSignsIn(enrolled, kdc, { timeoutMs: 50 }), 'KDC_UNREACHABLE');
  expect(error.message).toContain('50 ms');
});

test('a KDC that hangs up is unreachable', async () => {
  const kdc = await startScriptedKdc(() => ({ octets: new Uint8Array() }));
  await refusal(aliceSignsIn(enrolled, kdc), 'KDC_UNREACHABLE');
});

test.for<[what: string, answer: Answer]>([
  ['garbage', { message: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') }],
  ['an answer of no octets', { message: new Uint8Array() }],
  ['half a length', { octets: Uint8Array.of(0, 0) }],
  ['a length and nothing', { octets: Uint8Array.of(0, 0, 0, 9) }],
  ['an enormous length', { octets: Uint8Array.of(0x7f, 0xff, 0xff, 0xff) }],
  ['a length with the highest bit set, which is reserved', { octets: Uint8Array.of(0x80, 0, 0, 1, 5) }],
  ['more than the length says', { octets: Uint8Array.of(0, 0, 0, 1, 0x6b, 0) }],
])('%s is no reply', async ([, answer]) => {
  for (const start of [startScriptedKdc, startPkinitKdc]) {
    const kdc = await start(() => answer);
    // A first answer that is no KRB-ERROR is not looked into; the second one is.
    await refusal(aliceSignsIn(enrolled, kdc), 'KDC_REPLY_MALFORMED');
  }
});

test('a whole reply with an octet after it is malformed', async () => {
  const kdc = await startPkinitKdc(async (asRequest) => ({
    octets: Buffer.concat([withLength(await forgeReply(asRequest, enrolled.kdc)), new Uint8Array(1)]),
  }));
  await refusal(aliceSignsIn(enrolled, kdc), 'KDC_REPLY_MALFORMED');
});

test('an enormous length is refused before anything follows it', async () => {
  const kdc = await startScriptedKdc(() => ({ octets: Uint8Array.of(0, 4, 0, 1) }));
  const error = await refusal(aliceSignsIn(enrolled, kdc), 'KDC_REPLY_MALFORMED');
  expect(error.message).toContain('at most 262144');
});

test('a reply that is cut off anywhere is malformed', async () => {
  const whole = await honestReply();
  for (let length = 1; length < whole.length; length += 37) {
    const octets = withLength(whole).subarray(0, 4 + length);
    await expectMalformed({ octets });
    await expectMalformed({ message: whole.subarray(0, length) });
  }
});

async function expectMalformed(answer: Answer): Promise<void> {
  const kdc = await startPkinitKdc(() => answer);
  await refusal(aliceSignsIn(enrolled, kdc), 'KDC_REPLY_MALFORMED');
}

/** A whole reply to a request that is over. */
async function honestReply(): Promise<Uint8Array> {
  let reply: Uint8Array | undefined;
  const kdc = await startPkinitKdc(async (asRequest) => {
    reply = await forgeReply(asRequest, enrolled.kdc);
    return { message: reply };
  });
  await aliceSignsIn(enrolled, kdc);
  if (reply === undefined) throw new Error('the KDC was not asked');
  return reply;
}
