import { PublicKey, type Key } from '@countersign/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createKeyReceipt,
  parseKeyReceipt,
  verifyKeyReceipt,
  type KeyReceipt,
  type ReceiptTrust,
} from '../../src/receipt/index.ts';
import { encodeNgcKey } from '../../src/registration/index.ts';
import { signJws, tokenKeys } from '../../src/tokens/index.ts';
import { alice, newPublicKey, person } from '../people.ts';
import { refusal } from '../refusal.ts';
import { softwareKey } from '../network/software-key.ts';

const issuer = 'https://registration.cloud.test';
const registeredAt = new Date('2026-03-04T05:06:07.000Z');
const expiresAt = new Date('2026-03-04T06:06:07.000Z');
const audience = 'urn:microsoft:winhello:cert:prov:server';
const bob = person(2);

interface Fixture {
  readonly key: Key;
  readonly trust: ReceiptTrust;
  readonly receipt: KeyReceipt;
}

async function fixture(): Promise<Fixture> {
  const key = await softwareKey('p256');
  return {
    key,
    trust: { issuer, keys: await tokenKeys([key.publicKey]) },
    receipt: {
      issuer,
      upn: alice.upn,
      sid: alice.sid,
      deviceId: '47f577e3-d2d0-4a0a-8aca-e0501098bde4',
      publicKey: PublicKey.parse(newPublicKey()),
      registeredAt,
      expiresAt,
    },
  };
}

test('a receipt comes back as it was made, whatever is in it', async () => {
  const { key, trust, receipt } = await fixture();
  const keys = await Promise.all(
    (['rsa2048', 'p256', 'p384', 'p521', 'ed25519'] as const).map(async (algorithm) =>
      PublicKey.parse((await softwareKey(algorithm)).publicKey),
    ),
  );
  const text = fc.string({ unit: 'grapheme', minLength: 1 });
  const seconds = fc.integer({ min: 1, max: 4_000_000_000 });
  await fc.assert(
    fc.asyncProperty(
      text,
      text,
      fc.uuid(),
      fc.constantFrom(...keys),
      seconds,
      fc.integer({ min: 1, max: 1e6 }),
      async (upn, sid, deviceId, publicKey, from, length) => {
        const made = {
          ...receipt,
          upn,
          sid,
          deviceId,
          registeredAt: new Date(from * 1000),
          expiresAt: new Date((from + length) * 1000),
        };
        const krctx = await createKeyReceipt(key, { ...made, publicKey });
        const { publicKey: found, ...rest } = await parseKeyReceipt(krctx, trust, made.registeredAt);
        const { publicKey: _, ...expected } = made;
        expect(rest).toEqual(expected);
        expect(found.equals(publicKey)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

test('a receipt has the form of MS-OAPXBC', async () => {
  const { key, receipt } = await fixture();
  const krctx = await createKeyReceipt(key, receipt);
  const text = Buffer.from(krctx, 'base64').toString();
  expect(text).toMatch(/^\{"Data":"[\w+/=]+","Format":1,"Version":1\}$/u);
  const token = Buffer.from(text.split('"')[3] ?? '', 'base64').toString();
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  expect(claims).toMatchObject({
    ngc_key: Buffer.from(encodeNgcKey(receipt.publicKey)).toString('base64'),
    onprem_sid: alice.sid,
    exp: expiresAt.getTime() / 1000,
  });
});

describe('a receipt is refused', () => {
  test('that another key signed', async () => {
    const { trust, receipt } = await fixture();
    const forged = await createKeyReceipt(await softwareKey('p256'), receipt);
    await refusal(verifyKeyReceipt(forged, receipt, trust, registeredAt), 'RECEIPT_INVALID');
  });

  test('from another service, or made for something else', async () => {
    const { key, trust, receipt } = await fixture();
    const other = await createKeyReceipt(key, { ...receipt, issuer: 'https://registration.other.test' });
    await refusal(verifyKeyReceipt(other, receipt, trust, registeredAt), 'RECEIPT_INVALID');
    await refusal(
      verifyKeyReceipt(await wrapped(key, { aud: 'urn:other' }), receipt, trust, registeredAt),
      'RECEIPT_INVALID',
    );
  });

  test('once it has expired, and before it is valid', async () => {
    const { key, trust, receipt } = await fixture();
    const krctx = await createKeyReceipt(key, receipt);
    // Clocks may differ by a minute.
    await verifyKeyReceipt(krctx, receipt, trust, after(expiresAt, 59));
    await refusal(verifyKeyReceipt(krctx, receipt, trust, after(expiresAt, 60)), 'RECEIPT_EXPIRED');
    await refusal(verifyKeyReceipt(krctx, receipt, trust, after(registeredAt, -61)), 'RECEIPT_INVALID');
  });

  test('for another key', async () => {
    const { key, trust, receipt } = await fixture();
    const krctx = await createKeyReceipt(key, receipt);
    const subject = { ...receipt, publicKey: PublicKey.parse(newPublicKey()) };
    await refusal(verifyKeyReceipt(krctx, subject, trust, registeredAt), 'RECEIPT_KEY_MISMATCH');
  });

  test.each([
    ['another user', { upn: bob.upn, sid: bob.sid }],
    ['who had the same name', { sid: bob.sid }],
    ['who has another name', { upn: bob.upn }],
  ])('for %s', async (_, changes) => {
    const { key, trust, receipt } = await fixture();
    const krctx = await createKeyReceipt(key, receipt);
    await refusal(
      verifyKeyReceipt(krctx, { ...receipt, ...changes }, trust, registeredAt),
      'RECEIPT_USER_MISMATCH',
    );
    await verifyKeyReceipt(krctx, { ...receipt, upn: alice.upn.toUpperCase() }, trust, registeredAt);
  });

  test.each<[string, Record<string, unknown>]>([
    ['without a key', { ngc_key: undefined }],
    ['whose key is none', { ngc_key: 'AAAA' }],
    ['whose key is empty', { ngc_key: '' }],
    ['without a user', { upn: undefined }],
    ['without a SID', { onprem_sid: undefined }],
    ['without an end', { exp: undefined }],
  ])('%s', async (_, changes) => {
    const { key, trust, receipt } = await fixture();
    await refusal(
      verifyKeyReceipt(await wrapped(key, changes), receipt, trust, registeredAt),
      'RECEIPT_INVALID',
    );
  });

  test.each([
    ['', 'nothing'],
    ['????', 'no base64'],
    [base64('[]'), 'no object'],
    [base64('{"Data":"","Format":1,"Version":1}'), 'no data'],
    [base64('{"Data":"AAAA","Format":1,"Version":1}'), 'data that is no JWT'],
    [base64('{"Data":"AAAA","Format":2,"Version":1}'), 'another format'],
    ['A'.repeat(20_000), 'too much'],
  ])('%#: %s', async (krctx) => {
    const { trust, receipt } = await fixture();
    await refusal(verifyKeyReceipt(krctx, receipt, trust, registeredAt), 'RECEIPT_INVALID');
  });

  test('whose signature has bits after its last octet', async () => {
    const { key, trust, receipt } = await fixture();
    const text = Buffer.from(await createKeyReceipt(key, receipt), 'base64').toString();
    const data = text.split('"')[3] ?? '';
    const token = Buffer.from(data, 'base64').toString();
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const padded = Array.from(alphabet)
      .map((letter) => token.slice(0, -1) + letter)
      .filter((other) => other !== token && octetsOfSignature(other) === octetsOfSignature(token));
    expect(padded).toHaveLength(15);
    for (const other of padded) {
      const krctx = base64(text.replace(data, base64(other)));
      await refusal(verifyKeyReceipt(krctx, receipt, trust, registeredAt), 'RECEIPT_INVALID');
    }
  });

  test('with any one bit changed', async () => {
    const { key, trust, receipt } = await fixture();
    const krctx = Buffer.from(await createKeyReceipt(key, receipt), 'base64');
    await fc.assert(
      fc.asyncProperty(fc.nat(krctx.length * 8 - 1), async (bit) => {
        const altered = Buffer.from(krctx);
        altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        await refusal(
          verifyKeyReceipt(altered.toString('base64'), receipt, trust, registeredAt),
          'RECEIPT_INVALID',
        );
      }),
      { numRuns: 300 },
    );
  });
});

/** A receipt with other claims than there should be, and a sound signature. */
async function wrapped(key: Key, changes: Record<string, unknown>): Promise<string> {
  const { receipt } = await fixture();
  const token = await signJws(key, {
    iss: issuer,
    aud: audience,
    iat: registeredAt.getTime() / 1000,
    exp: expiresAt.getTime() / 1000,
    upn: alice.upn,
    onprem_sid: alice.sid,
    deviceid: receipt.deviceId,
    ngc_key: Buffer.from(encodeNgcKey(receipt.publicKey)).toString('base64'),
    ...changes,
  });
  return base64(JSON.stringify({ Data: base64(token), Format: 1, Version: 1 }));
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function after(date: Date, seconds: number): Date {
  return new Date(date.getTime() + seconds * 1000);
}

function octetsOfSignature(token: string): string {
  return Buffer.from(token.split('.')[2] ?? '', 'base64url').toString('hex');
}
