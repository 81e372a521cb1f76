import { join } from 'node:path';
import { type Ledger, type SerialReservation } from '@countersign/core';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refusal } from './refusal.ts';
import { reservationFor } from './reservations.ts';
import { temporaryFolder } from './temporary-folder.ts';

async function emptyLedger(): Promise<Ledger> {
  return openSqliteLedger(join(await temporaryFolder(), 'ledger.db'));
}

const never = new Date(Number.NaN);

describe('reserve refuses', () => {
  const malformed: readonly (readonly [string, Partial<SerialReservation>])[] = [
    ['an empty serial', { serialNumber: '' }],
    ['half an octet', { serialNumber: '1' }],
    ['upper case', { serialNumber: '4A' }],
    ['a prefix', { serialNumber: '0x41' }],
    ['zero', { serialNumber: '00' }],
    ['a superfluous zero octet', { serialNumber: '0041' }],
    ['a negative number', { serialNumber: '80' }],
    ['21 octets', { serialNumber: '41'.repeat(21) }],
    ['a line feed behind the serial', { serialNumber: '41\n' }],
    ['a digest that is too short', { requestDigest: 'ab' }],
    ['a digest in upper case', { requestDigest: 'AB'.repeat(32) }],
    ['an empty profile', { profile: '' }],
    ['a subject with a lone surrogate', { subject: 'a\uD800' }],
    ['an empty agent', { agentSerialNumber: '' }],
    ['no bytes to be signed', { tbsCertificate: new Uint8Array() }],
    ['no notAfter', { notAfter: never }],
    ['no time of reservation', { reservedAt: never }],
  ];
  test.each(malformed)('%s', async (_, change) => {
    const ledger = await emptyLedger();
    await refusal(ledger.reserve(reservationFor('a', change)), 'VALUE_OUT_OF_RANGE');
    // Nothing of the refused reservation was kept.
    await ledger.reserve(reservationFor('a'));
    await ledger.close();
  });
});

test('every reservation that is accepted comes back as it was', async () => {
  const ledger = await emptyLedger();
  const text = fc.string({ unit: 'binary', minLength: 1 }).filter((value) => value.isWellFormed());
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 });
  const date = fc.date({ noInvalidDate: true });
  const positive = fc
    .bigInt({ min: 1n, max: 2n ** 159n - 1n })
    .map((number) => number.toString(16))
    .map((hex) => (hex.length % 2 === 0 ? hex : `0${hex}`))
    .map((hex) => (/^[89a-f]/u.test(hex) ? `00${hex}` : hex));
  const digest = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((hash) => Buffer.from(hash).toString('hex'));
  const used = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        serialNumber: positive,
        requestDigest: digest,
        profile: text,
        subject: text,
        keyId: digest,
        keyOwner: text,
        agentSerialNumber: fc.option(text, { nil: undefined }),
        tbsCertificate: bytes,
        notAfter: date,
        reservedAt: date,
      }),
      bytes,
      async (reservation, certificate) => {
        const { serialNumber, requestDigest, keyId } = reservation;
        const unique = [serialNumber, `request ${requestDigest}`, `key ${keyId}`];
        fc.pre(!unique.some((value) => used.has(value)));
        for (const value of unique) used.add(value);
        await ledger.reserve(reservation);
        await ledger.record(reservation.serialNumber, certificate);
        expect(await ledger.find(reservation.serialNumber)).toEqual({
          ...reservation,
          tbsCertificate: Uint8Array.from(reservation.tbsCertificate),
          certificate: Uint8Array.from(certificate),
          revocation: undefined,
        });
      },
    ),
    { numRuns: 100 },
  );
  await ledger.close();
});

test('the other methods refuse what could not come back', async () => {
  const ledger = await emptyLedger();
  await ledger.reserve(reservationFor('a'));
  const { serialNumber } = reservationFor('a');
  await refusal(ledger.record(serialNumber, new Uint8Array()), 'VALUE_OUT_OF_RANGE');
  await refusal(
    ledger.revoke(serialNumber, { reason: 'superseded', revokedAt: never }),
    'VALUE_OUT_OF_RANGE',
  );
  await refusal(ledger.beginCrl(never), 'VALUE_OUT_OF_RANGE');
  await refusal(ledger.appendAudit({ at: never, event: 'e', details: {} }), 'VALUE_OUT_OF_RANGE');
  await refusal(ledger.appendAudit({ at: new Date(0), event: '', details: {} }), 'VALUE_OUT_OF_RANGE');
  await refusal(ledger.appendAudit({ at: new Date(0), event: 'a\uDC00', details: {} }), 'VALUE_OUT_OF_RANGE');
  expect((await ledger.appendAudit({ at: new Date(0), event: 'e', details: {} })).number).toBe(1);
  expect((await ledger.find(serialNumber))?.certificate).toBeUndefined();
  await ledger.close();
});

test('a text that begins with a NUL is a text like any other, though SQLite counts its length as 0', async () => {
  const ledger = await openSqliteLedger(join(await temporaryFolder(), 'ledger.db'));
  const reservation = reservationFor('a', { keyOwner: '\0owner' });
  await ledger.reserve(reservation);
  expect((await ledger.find(reservation.serialNumber))?.keyOwner).toBe('\0owner');
  await ledger.close();
});
