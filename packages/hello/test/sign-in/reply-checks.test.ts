import type { ErrorCode } from '@countersign/core';
import { encryptionTypes, isEncryptionType, type SignInOptions } from '@countersign/hello/sign-in';
import { integer } from '@countersign/core/asn1';
import { beforeAll, expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { aliceSignsIn, enrollAlice, type Enrolled } from './alice-signs-in.ts';
import { forgeReply, type ReplyFields } from './forged-reply.ts';
import { startPkinitKdc } from './scripted-kdc.ts';
import { realm } from './test-pki.ts';

let enrolled: Enrolled;

beforeAll(async () => {
  enrolled = await enrollAlice();
});

async function signInWithReply(changes: Partial<ReplyFields>, options: Partial<SignInOptions> = {}) {
  const kdc = await startPkinitKdc(async (asRequest) => ({
    message: await forgeReply(asRequest, enrolled.kdc, changes),
  }));
  return aliceSignsIn(enrolled, kdc, options);
}

test.for(Object.keys(encryptionTypes).filter(isEncryptionType))(
  'an honest reply under %s is taken',
  async (encryptionType) => {
    const ticket = await signInWithReply({ encryptionType });
    expect(ticket.agreement.encryptionType).toBe(encryptionType);
    expect(ticket.client).toStrictEqual({ realm, name: { nameType: 1, components: ['alice'] } });
  },
);

test.for(['1.3.6.1.5.2.3.6.2', '1.3.6.1.5.2.3.6.3', undefined])(
  'an honest reply with key derivation %s is taken',
  async (keyDerivation) => {
    const ticket = await signInWithReply({ keyDerivation });
    expect(ticket.agreement.keyDerivation).toBe(keyDerivation);
  },
);

const hour = 3_600_000;
const after = (ms: number): Date => new Date(Date.now() + ms);

test.for<[what: string, changes: Partial<ReplyFields>, code: ErrorCode, message: RegExp]>([
  ['for another user', { client: ['bob'] }, 'KDC_REPLY_MISMATCH', /the user is bob@/u],
  ['for a user of another realm', { clientRealm: 'OTHER.TEST' }, 'KDC_REPLY_MISMATCH', /alice@OTHER/u],
  ['with a ticket of another realm', { ticketRealm: 'OTHER.TEST' }, 'KDC_REPLY_MISMATCH', /service of the/u],
  [
    'with a ticket for another service',
    { ticketServer: ['HTTP', 'web'] },
    'KDC_REPLY_MISMATCH',
    /HTTP\/web/u,
  ],
  ['without a signature', { proof: 'none' }, 'KDC_REPLY_MISMATCH', /not signed/u],
  ['with an encrypted key', { proof: 'encKeyPack' }, 'KDC_REPLY_MISMATCH', /Diffie-Hellman was asked for/u],
  ['signed as something else', { contentType: '1.3.6.1.5.2.3.1' }, 'KDC_REPLY_MALFORMED', /content type/u],
  ['signed for another request', { signedNonceOffset: 1 }, 'KDC_REPLY_MISMATCH', /signed nonce/u],
  [
    'with a Diffie-Hellman value of 1',
    { publicValue: Uint8Array.of(1) },
    'KDC_REPLY_MISMATCH',
    /2 to p - 2/u,
  ],
  [
    'with a Diffie-Hellman value above p',
    { publicValue: new Uint8Array(257).fill(0xff) },
    'KDC_REPLY_MISMATCH',
    /2 to p - 2/u,
  ],
  ['with a key used before', { serverDhNonce: new Uint8Array(32) }, 'KDC_REPLY_MISMATCH', /again/u],
  ['with a key that expired', { dhExpiration: after(-1000) }, 'KDC_REPLY_MISMATCH', /expired/u],
  [
    'with a key derivation never offered',
    { keyDerivation: '1.3.6.1.5.2.3.6.1', replyKey: new Uint8Array(32) },
    'ALGORITHM_NOT_SUPPORTED',
    /derives/u,
  ],
  ['under a type that does not exist', { statedEncryptionType: 23 }, 'KDC_REPLY_MISMATCH', /type 23/u],
  [
    'that says another type than it has',
    { statedEncryptionType: 20 },
    'KDC_REPLY_MISMATCH',
    /does not decrypt/u,
  ],
  ['under another key', { replyKey: new Uint8Array(32) }, 'KDC_REPLY_MISMATCH', /does not decrypt/u],
  ['with something else encrypted', { encryptedPartTag: 0x7b }, 'KDC_REPLY_MALFORMED', /tag 7b/u],
  ['encrypted for another request', { encryptedNonceOffset: 1 }, 'KDC_REPLY_MISMATCH', /encrypted nonce/u],
  [
    'that names another realm inside',
    { serverRealm: 'OTHER.TEST' },
    'KDC_REPLY_MISMATCH',
    /under the reply key/u,
  ],
  [
    'that names another service inside',
    { server: ['HTTP', 'web'] },
    'KDC_REPLY_MISMATCH',
    /under the reply key/u,
  ],
  ['with a session key of unknown type', { sessionKeyType: integer(23) }, 'KDC_REPLY_MISMATCH', /type 23/u],
  ['with a short session key', { sessionKey: new Uint8Array(16) }, 'KDC_REPLY_MISMATCH', /16 octets/u],
  ['of a KDC that is an hour late', { authTime: after(-hour) }, 'CLOCK_SKEW', /here/u],
  ['of a KDC that is an hour early', { authTime: after(hour), startTime: after(0) }, 'CLOCK_SKEW', /here/u],
  ['with a ticket for later', { startTime: after(hour / 2) }, 'KDC_REPLY_MISMATCH', /valid from/u],
  ['with a ticket that ended', { endTime: after(-60_000) }, 'KDC_REPLY_MISMATCH', /ended/u],
  ['with a ticket that lasts too long', { endTime: after(11 * hour) }, 'KDC_REPLY_MISMATCH', /longer/u],
  ['with a ticket renewable unasked', { renewTill: after(11 * hour) }, 'KDC_REPLY_MISMATCH', /renewable/u],
])('a reply %s is refused', async ([, changes, code, message]) => {
  const error = await refusal(signInWithReply(changes), code);
  expect(error.message).toMatch(message);
});

test('a reply under an encryption type that was not offered is refused', async () => {
  const options = { encryptionTypes: ['aes128-cts-hmac-sha1-96'] } as const;
  const error = await refusal(signInWithReply({}, options), 'KDC_REPLY_MISMATCH');
  expect(error.message).toContain('type 18');
});

test('a ticket that is renewable for longer than asked for is refused', async () => {
  const options = { renewableSeconds: 7200 };
  await signInWithReply({ renewTill: after(1.5 * hour) }, options);
  await refusal(signInWithReply({ renewTill: after(3 * hour) }, options), 'KDC_REPLY_MISMATCH');
});

test('an encrypted part that is tagged as that of a TGS-REP is taken, as RFC 4120 5.4.2 advises', async () => {
  const ticket = await signInWithReply({ encryptedPartTag: 0x7a });
  expect(ticket.server.name.components).toStrictEqual(['krbtgt', realm]);
});
