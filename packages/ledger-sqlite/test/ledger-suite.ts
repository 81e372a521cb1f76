import {
  type AuditEvent,
  type AuditRecord,
  auditChainStart,
  auditRecordHash,
  type CompleteCrlContents,
  type Ledger,
  verifyAuditChain,
} from '@countersign/core';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { refusal } from './refusal.ts';
import { reservationFor } from './reservations.ts';

/** One empty store, however a ledger keeps it. */
export interface LedgerStore {
  /** Opens the store once more, as another process would. */
  connect(): Promise<Ledger>;
  /** Removes the store; its connections are closed by then. */
  remove(): Promise<void>;
}

/** What `Ledger` promises, sentence by sentence, for any implementation. */
export function describeLedger(name: string, makeStore: () => Promise<LedgerStore>): void {
  describe(`${name} as a Ledger`, () => {
    let store: LedgerStore;
    let ledger: Ledger;
    let other: Ledger;

    beforeEach(async () => {
      store = await makeStore();
      ledger = await store.connect();
      other = await store.connect();
    });

    afterEach(async () => {
      await ledger.close();
      await other.close();
      await store.remove();
    });

    async function reopen(): Promise<Ledger> {
      await ledger.close();
      ledger = await store.connect();
      return ledger;
    }

    describe('reserve', () => {
      test('keeps every field, and an entry without certificate and revocation', async () => {
        const reservation = reservationFor('a');
        await ledger.reserve(reservation);
        const expected = { ...reservation, certificate: undefined, revocation: undefined };
        expect(await ledger.find(reservation.serialNumber)).toEqual(expected);
        expect(await other.find(reservation.serialNumber)).toEqual(expected);
        expect(await (await reopen()).find(reservation.serialNumber)).toEqual(expected);
      });

      test('finds all that was reserved for a key, and nothing of other keys', async () => {
        const { keyId } = reservationFor('a');
        const second = reservationFor('b', { keyId });
        for (const reservation of [reservationFor('a'), second, reservationFor('c')]) {
          await ledger.reserve(reservation);
        }
        await ledger.record(second.serialNumber, Uint8Array.of(0x30, 0));
        const found = await other.findByKey(keyId);
        expect(new Map(found.map((entry) => [entry.serialNumber, entry.certificate]))).toEqual(
          new Map([
            [reservationFor('a').serialNumber, undefined],
            [second.serialNumber, Uint8Array.of(0x30, 0)],
          ]),
        );
        expect(await ledger.findByKey('0'.repeat(64))).toEqual([]);
      });

      test('takes a reservation that no agent asked for', async () => {
        const reservation = reservationFor('a', { agentSerialNumber: undefined });
        await ledger.reserve(reservation);
        expect((await ledger.find(reservation.serialNumber))?.agentSerialNumber).toBeUndefined();
      });

      test('refuses a serial that is reserved, recorded or revoked, on every connection', async () => {
        const { serialNumber } = reservationFor('a');
        await ledger.reserve(reservationFor('a'));
        for (const step of [
          async () => {},
          async () => ledger.record(serialNumber, Uint8Array.of(1)),
          async () => ledger.revoke(serialNumber, { reason: 'superseded', revokedAt: new Date(0) }),
        ]) {
          await step();
          const again = reservationFor('b', { serialNumber });
          await refusal(ledger.reserve(again), 'LEDGER_CONFLICT');
          await refusal(other.reserve(again), 'LEDGER_CONFLICT');
        }
        // The refused request was not used up.
        await ledger.reserve(reservationFor('b'));
      });

      test('refuses a request that led to a certificate or is about to, on every connection', async () => {
        const first = reservationFor('a');
        await ledger.reserve(first);
        const replay = reservationFor('b', { requestDigest: first.requestDigest });
        await refusal(ledger.reserve(replay), 'REQUEST_REPLAYED');
        await refusal(other.reserve(replay), 'REQUEST_REPLAYED');
        await ledger.record(first.serialNumber, Uint8Array.of(1));
        await refusal(other.reserve(replay), 'REQUEST_REPLAYED');
        await refusal((await reopen()).reserve(replay), 'REQUEST_REPLAYED');
        expect(await ledger.find(replay.serialNumber)).toBeUndefined();
      });
    });

    describe('record', () => {
      test('keeps the certificate under its serial', async () => {
        const { serialNumber } = reservationFor('a');
        await ledger.reserve(reservationFor('a'));
        await ledger.reserve(reservationFor('b'));
        await ledger.record(serialNumber, Uint8Array.of(0x30, 0, 0xff));
        expect((await other.find(serialNumber))?.certificate).toEqual(Uint8Array.of(0x30, 0, 0xff));
        expect((await reopen().then((opened) => opened.find(serialNumber)))?.certificate).toHaveLength(3);
        expect((await ledger.find(reservationFor('b').serialNumber))?.certificate).toBeUndefined();
      });

      test('refuses a serial that was never reserved', async () => {
        await refusal(ledger.record(reservationFor('a').serialNumber, Uint8Array.of(1)), 'LEDGER_CONFLICT');
      });

      test('refuses a second certificate, even the same, and keeps the first', async () => {
        const { serialNumber } = reservationFor('a');
        await ledger.reserve(reservationFor('a'));
        await ledger.record(serialNumber, Uint8Array.of(1));
        await refusal(ledger.record(serialNumber, Uint8Array.of(2)), 'LEDGER_CONFLICT');
        await refusal(other.record(serialNumber, Uint8Array.of(1)), 'LEDGER_CONFLICT');
        expect((await ledger.find(serialNumber))?.certificate).toEqual(Uint8Array.of(1));
      });
    });

    test('find knows nothing of a serial that was never reserved', async () => {
      expect(await ledger.find('01')).toBeUndefined();
      expect(await ledger.find("' OR 1=1 --")).toBeUndefined();
    });

    describe('revoke', () => {
      const revocation = {
        reason: 'keyCompromise',
        revokedAt: new Date('2030-02-03T04:05:06.789Z'),
      } as const;

      test('marks the entry, whether its certificate was recorded or not', async () => {
        for (const seed of ['recorded', 'orphan']) {
          const { serialNumber } = reservationFor(seed);
          await ledger.reserve(reservationFor(seed));
          if (seed === 'recorded') {
            await ledger.record(serialNumber, Uint8Array.of(1));
          }
          await ledger.revoke(serialNumber, revocation);
          expect((await other.find(serialNumber))?.revocation).toEqual(revocation);
        }
        expect((await (await reopen()).find(reservationFor('orphan').serialNumber))?.revocation).toEqual(
          revocation,
        );
      });

      test('is not possible for an unknown serial', async () => {
        await refusal(ledger.revoke('01', revocation), 'REVOCATION_NOT_POSSIBLE');
      });

      test('is not possible twice', async () => {
        const { serialNumber } = reservationFor('a');
        await ledger.reserve(reservationFor('a'));
        await ledger.revoke(serialNumber, revocation);
        await refusal(ledger.revoke(serialNumber, revocation), 'REVOCATION_NOT_POSSIBLE');
        await refusal(
          other.revoke(serialNumber, { ...revocation, reason: 'superseded' }),
          'REVOCATION_NOT_POSSIBLE',
        );
        expect((await ledger.find(serialNumber))?.revocation).toEqual(revocation);
      });

      test('goes with its audit event, or both do not happen', async () => {
        const { serialNumber } = reservationFor('a');
        await ledger.reserve(reservationFor('a'));
        const event = { at: new Date(1), event: 'revoked', details: { serialNumber } };
        await refusal(ledger.revoke('01', revocation, event), 'REVOCATION_NOT_POSSIBLE');
        const malformed = { ...event, event: '' };
        await refusal(ledger.revoke(serialNumber, revocation, malformed), 'VALUE_OUT_OF_RANGE');
        await refusal(ledger.record(serialNumber, Uint8Array.of(1), malformed), 'VALUE_OUT_OF_RANGE');
        expect(await ledger.find(serialNumber)).toMatchObject({
          certificate: undefined,
          revocation: undefined,
        });
        expect(await collect(other)).toEqual([]);
        await ledger.record(serialNumber, Uint8Array.of(1), { ...event, event: 'recorded' });
        await ledger.revoke(serialNumber, revocation, event);
        expect((await collect(other)).map((record) => record.event)).toEqual(['recorded', 'revoked']);
        expect((await verifyAuditChain(other.readAudit())).count).toBe(2);
      });
    });

    describe('a hold', () => {
      const at = new Date('2030-02-03T04:05:06.789Z');
      const held = { reason: 'certificateHold', revokedAt: at } as const;

      test('can be released, and put on again', async () => {
        const { serialNumber } = reservationFor('a');
        await ledger.reserve(reservationFor('a'));
        for (let turn = 0; turn < 3; turn++) {
          await ledger.revoke(serialNumber, held);
          expect((await other.beginCrl(new Date(0))).revoked).toMatchObject([{ serialNumber }]);
          await refusal(other.revoke(serialNumber, held), 'REVOCATION_NOT_POSSIBLE');
          await other.release(serialNumber, at, { at, event: 'released', details: {} });
          expect((await ledger.find(serialNumber))?.revocation).toBeUndefined();
          expect((await ledger.beginCrl(new Date(0))).revoked).toEqual([]);
          await refusal(ledger.release(serialNumber, at), 'REVOCATION_NOT_POSSIBLE');
        }
        expect(await collect(await reopen())).toHaveLength(3);
      });

      test('can become a revocation, from which there is no release', async () => {
        const { serialNumber } = reservationFor('a');
        await ledger.reserve(reservationFor('a'));
        await ledger.revoke(serialNumber, held);
        await ledger.revoke(serialNumber, { reason: 'keyCompromise', revokedAt: at });
        await refusal(ledger.release(serialNumber, at), 'REVOCATION_NOT_POSSIBLE');
        await refusal(other.revoke(serialNumber, held), 'REVOCATION_NOT_POSSIBLE');
        expect((await (await reopen()).find(serialNumber))?.revocation?.reason).toBe('keyCompromise');
        expect((await ledger.beginCrl(new Date(0))).revoked).toMatchObject([
          { serialNumber, reason: 'keyCompromise' },
        ]);
      });

      test('is not released where there is none', async () => {
        await refusal(ledger.release('01', at), 'REVOCATION_NOT_POSSIBLE');
        await ledger.reserve(reservationFor('a'));
        await refusal(ledger.release(reservationFor('a').serialNumber, at), 'REVOCATION_NOT_POSSIBLE');
      });
    });

    describe('a complete CRL', () => {
      test('lists in order of revocation, whatever serials and clocks say', async () => {
        const seeds = ['d', 'a', 'c', 'b', 'e'];
        for (const seed of [...seeds].sort()) {
          await ledger.reserve(reservationFor(seed));
        }
        for (const [index, seed] of seeds.entries()) {
          const revokedAt = new Date(1_000_000 - index);
          const connection = index % 2 === 0 ? ledger : other;
          await connection.revoke(reservationFor(seed).serialNumber, { reason: 'superseded', revokedAt });
        }
        expect((await (await reopen()).beginCrl(new Date(0))).revoked).toEqual(
          seeds.map((seed, index) => ({
            serialNumber: reservationFor(seed).serialNumber,
            reason: 'superseded',
            revokedAt: new Date(1_000_000 - index),
          })),
        );
      });

      test('lists a certificate once more after its notAfter, and then no longer', async () => {
        const { serialNumber, notAfter } = reservationFor('a');
        await ledger.reserve(reservationFor('a'));
        await ledger.revoke(serialNumber, { reason: 'unspecified', revokedAt: new Date(0) });
        const day = (n: number): Date => new Date(notAfter.getTime() + n * 86_400_000);
        expect((await signedCrl(ledger, day(-1))).revoked).toHaveLength(1);
        expect((await other.beginDeltaCrl(day(1))).revoked).toEqual([]);
        expect((await (await reopen()).beginCrl(day(1))).revoked).toHaveLength(1);
        // The one before was never signed, and counts for nothing.
        expect((await signedCrl(ledger, day(1))).revoked).toHaveLength(1);
        expect((await ledger.beginCrl(day(2))).revoked).toEqual([]);
      });

      test('does not list what was not revoked', async () => {
        await ledger.reserve(reservationFor('a'));
        await ledger.record(reservationFor('a').serialNumber, Uint8Array.of(1));
        expect((await ledger.beginCrl(new Date(0))).revoked).toEqual([]);
      });
    });

    describe('a delta CRL', () => {
      const at = new Date('2030-02-03T04:05:06.789Z');

      test('needs a complete one before it', async () => {
        await refusal(ledger.beginDeltaCrl(at), 'CRL_BASE_MISSING');
        expect((await ledger.beginCrl(at)).number).toBe(1);
        await refusal(ledger.beginDeltaCrl(at), 'CRL_BASE_MISSING');
      });

      test('counts from the last that was signed, in whatever order they were', async () => {
        const [first, second, third] = [
          await ledger.beginCrl(at),
          await other.beginCrl(at),
          await ledger.beginCrl(at),
        ];
        await ledger.recordCrl(second.number, crlEvent);
        expect((await other.beginDeltaCrl(at)).baseNumber).toBe(second.number);
        await ledger.recordCrl(first.number, crlEvent);
        expect((await other.beginDeltaCrl(at)).baseNumber).toBe(second.number);
        await (await reopen()).recordCrl(third.number, crlEvent);
        expect((await other.beginDeltaCrl(at)).baseNumber).toBe(third.number);
      });

      test('is signed once, and only if it was begun', async () => {
        const { number } = await signedCrl(ledger, at);
        const audited = await auditNumbers(ledger);
        await refusal(other.recordCrl(number, crlEvent), 'LEDGER_CONFLICT');
        await refusal(ledger.recordCrl(number + 1, crlEvent), 'LEDGER_CONFLICT');
        expect(await auditNumbers(ledger)).toEqual(audited);
      });

      test('lists what was revoked and released since, by what it is now', async () => {
        const serials = ['a', 'b', 'c', 'd'].map((seed) => reservationFor(seed).serialNumber);
        for (const seed of ['a', 'b', 'c', 'd']) await ledger.reserve(reservationFor(seed));
        const [a = '', b = '', c = '', d = ''] = serials;
        await ledger.revoke(a, { reason: 'superseded', revokedAt: at });
        await ledger.revoke(b, { reason: 'certificateHold', revokedAt: at });
        const base = await signedCrl(ledger, at);
        expect((await other.beginDeltaCrl(at)).revoked).toEqual([]);
        await other.release(b, at);
        await ledger.revoke(c, { reason: 'certificateHold', revokedAt: at });
        await ledger.revoke(d, { reason: 'certificateHold', revokedAt: at });
        await ledger.revoke(d, { reason: 'keyCompromise', revokedAt: at });
        const delta = await (await reopen()).beginDeltaCrl(at);
        expect(delta).toEqual({
          number: base.number + 2,
          baseNumber: base.number,
          revoked: [
            { serialNumber: c, reason: 'certificateHold', revokedAt: at },
            { serialNumber: d, reason: 'keyCompromise', revokedAt: at },
          ],
          released: [{ serialNumber: b, releasedAt: at }],
        });
        const next = await signedCrl(ledger, at);
        expect(next.revoked.map(({ serialNumber }) => serialNumber)).toEqual([a, c, d]);
        expect(await ledger.beginDeltaCrl(at)).toMatchObject({
          baseNumber: next.number,
          revoked: [],
          released: [],
        });
      });
    });

    describe('a key', () => {
      test('has one owner, whichever connection asks, however many certificates', async () => {
        await ledger.reserve(reservationFor('a'));
        const { keyId, keyOwner } = reservationFor('a');
        await other.reserve(reservationFor('b', { keyId, keyOwner }));
        const stolen = reservationFor('c', { keyId, keyOwner: 'S-1-5-21-1-2-3-666' });
        await refusal(other.reserve(stolen), 'KEY_CERTIFIED_FOR_ANOTHER');
        await refusal((await reopen()).reserve(stolen), 'KEY_CERTIFIED_FOR_ANOTHER');
        expect(await ledger.find(stolen.serialNumber)).toBeUndefined();
        await ledger.reserve(reservationFor('c'));
      });
    });

    test('the number of a CRL is greater each time, on every connection and after reopening', async () => {
      const at = new Date(0);
      const numbers = [
        (await signedCrl(ledger, at)).number,
        (await other.beginCrl(at)).number,
        (await ledger.beginDeltaCrl(at)).number,
        (await (await reopen()).beginCrl(at)).number,
        (await other.beginDeltaCrl(at)).number,
      ];
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      expect(numbers.every((number) => Number.isSafeInteger(number) && number >= 0)).toBe(true);
    });

    describe('audit', () => {
      test('numbers the records from 1 and chains their hashes, across connections', async () => {
        let previous = auditChainStart;
        const appended: AuditRecord[] = [];
        for (const [index, connection] of [ledger, other, other, ledger].entries()) {
          const event = {
            at: new Date(index * 1000),
            event: `event-${index}`,
            details: { index: `${index}` },
          };
          const record = await connection.appendAudit(event);
          expect(record).toEqual({
            ...event,
            number: index + 1,
            hash: auditRecordHash(previous, index + 1, event),
          });
          previous = record.hash;
          appended.push(record);
        }
        expect(await collect(await reopen())).toEqual(appended);
        expect(await verifyAuditChain(ledger.readAudit())).toEqual({ count: 4, headHash: previous });
      });

      test('an empty trail is whole', async () => {
        expect(await verifyAuditChain(ledger.readAudit())).toEqual({ count: 0, headHash: auditChainStart });
      });

      test('reads more records than fit into one page, and the ones appended meanwhile', async () => {
        for (let index = 0; index < 600; index++) {
          await ledger.appendAudit({ at: new Date(index), event: 'e', details: {} });
        }
        const numbers: number[] = [];
        for await (const { number } of ledger.readAudit()) {
          numbers.push(number);
          if (number === 100) {
            await other.appendAudit({ at: new Date(0), event: 'late', details: {} });
          }
        }
        expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1));
        expect(numbers.length).toBeGreaterThanOrEqual(600);
      });

      test('a reader that stops early holds nothing up', async () => {
        await ledger.appendAudit({ at: new Date(0), event: 'e', details: {} });
        for await (const record of ledger.readAudit()) {
          expect(record.number).toBe(1);
          break;
        }
        await other.appendAudit({ at: new Date(0), event: 'e', details: {} });
      });

      test('whatever the details, their order and characters survive', async () => {
        const text = fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.constantFrom('__proto__', '\0', '\uD800', '7'),
        );
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.tuple(text, text), { maxLength: 6 }),
            fc.date({ noInvalidDate: true }),
            async (pairs, at) => {
              const details = Object.fromEntries(pairs);
              const appended = await ledger.appendAudit({ at, event: 'property', details });
              expect(Object.entries(appended.details)).toEqual(Object.entries(details));
            },
          ),
          { numRuns: 60 },
        );
        const { count } = await verifyAuditChain((await reopen()).readAudit());
        expect(count).toBe(60);
      });
    });

    test('agrees with a model in memory, whatever the order of calls', async () => {
      const seeds = ['p', 'q', 'r', 's'];
      const step = fc.record({
        operation: fc.constantFrom('reserve', 'record', 'revoke'),
        serial: fc.constantFrom(...seeds),
        request: fc.constantFrom(...seeds),
        onOther: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.uuid(), fc.array(step, { maxLength: 14 }), async (run, steps) => {
          const requests = new Set<string>();
          const states = new Map<string, { recorded: boolean; revoked: boolean }>();
          for (const { operation, serial, request, onOther } of steps) {
            const connection = onOther ? other : ledger;
            const { serialNumber } = reservationFor(run + serial);
            const state = states.get(serial);
            if (operation === 'reserve') {
              const { requestDigest } = reservationFor(run + request);
              const reserved = connection.reserve(reservationFor(run + serial, { requestDigest }));
              if (state === undefined && !requests.has(request)) {
                await reserved;
                states.set(serial, { recorded: false, revoked: false });
                requests.add(request);
              } else {
                const codes = [
                  ...(state === undefined ? [] : ['LEDGER_CONFLICT']),
                  ...(requests.has(request) ? ['REQUEST_REPLAYED'] : []),
                ];
                expect(codes).toContain(await codeOf(reserved));
              }
            } else if (operation === 'record') {
              const recorded = connection.record(serialNumber, Uint8Array.of(1));
              if (state?.recorded === false) {
                await recorded;
                state.recorded = true;
              } else {
                await refusal(recorded, 'LEDGER_CONFLICT');
              }
            } else {
              const revoked = connection.revoke(serialNumber, {
                reason: 'superseded',
                revokedAt: new Date(1),
              });
              if (state?.revoked === false) {
                await revoked;
                state.revoked = true;
              } else {
                await refusal(revoked, 'REVOCATION_NOT_POSSIBLE');
              }
            }
          }
          for (const seed of seeds) {
            const found = await ledger.find(reservationFor(run + seed).serialNumber);
            const state = states.get(seed);
            expect(found === undefined).toBe(state === undefined);
            expect(found?.certificate !== undefined).toBe(state?.recorded ?? false);
            expect(found?.revocation !== undefined).toBe(state?.revoked ?? false);
          }
        }),
        { numRuns: 40 },
      );
    });

    test('after close everything is LEDGER_UNAVAILABLE, and closing twice is fine', async () => {
      await ledger.close();
      await ledger.close();
      await refusal(ledger.reserve(reservationFor('a')), 'LEDGER_UNAVAILABLE');
      await refusal(ledger.find('01'), 'LEDGER_UNAVAILABLE');
      await refusal(ledger.beginCrl(new Date(0)), 'LEDGER_UNAVAILABLE');
      await refusal(collect(ledger), 'LEDGER_UNAVAILABLE');
    });
  });
}

async function collect(ledger: Ledger): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for await (const record of ledger.readAudit()) {
    records.push(record);
  }
  return records;
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  );
}

const crlEvent: AuditEvent = { at: new Date(0), event: 'crl-issued', details: {} };

async function signedCrl(ledger: Ledger, thisUpdate: Date): Promise<CompleteCrlContents> {
  const contents = await ledger.beginCrl(thisUpdate);
  await ledger.recordCrl(contents.number, crlEvent);
  return contents;
}

async function auditNumbers(ledger: Ledger): Promise<readonly number[]> {
  const numbers: number[] = [];
  for await (const { number } of ledger.readAudit()) numbers.push(number);
  return numbers;
}
