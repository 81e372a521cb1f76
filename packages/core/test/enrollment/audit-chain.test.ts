import { createHash } from 'node:crypto';
import {
  auditChainStart,
  auditRecordHash,
  MemoryLedger,
  verifyAuditChain,
  type AuditEvent,
  type AuditRecord,
} from '@countersign/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { refusal } from './refusal.ts';

const at = new Date('2026-03-04T05:06:07.890Z');

async function* stream(records: readonly AuditRecord[]): AsyncIterable<AuditRecord> {
  for (const record of records) yield Promise.resolve(record);
}

async function chainOf(count: number): Promise<AuditRecord[]> {
  const ledger = new MemoryLedger();
  for (const event of events(count)) await ledger.appendAudit(event);
  const records: AuditRecord[] = [];
  for await (const record of ledger.readAudit()) records.push(record);
  return records;
}

function hashOf(details: Record<string, string>): string {
  return auditRecordHash(auditChainStart, 1, { at, event: 'e', details });
}

async function broken(records: readonly AuditRecord[]): Promise<string> {
  const error = await refusal(async () => verifyAuditChain(stream(records)));
  expect(error.code).toBe('AUDIT_CHAIN_BROKEN');
  return error.message;
}

function events(count: number): AuditEvent[] {
  return Array.from({ length: count }, (_, i) => ({
    at: new Date(at.getTime() + i),
    event: i % 2 === 0 ? 'certificate-issued' : 'request-refused',
    details: { serialNumber: `40${i}`, code: 'X' },
  }));
}

test('the hash of a record is SHA-256 over a JSON array that begins with the hash before it', () => {
  const event = { at, event: 'certificate-revoked', details: { serialNumber: '40ff', reason: 'superseded' } };
  const text = `["${'0'.repeat(64)}",1,"2026-03-04T05:06:07.890Z","certificate-revoked",[["serialNumber","40ff"],["reason","superseded"]]]`;
  expect(auditChainStart).toBe('0'.repeat(64));
  expect(auditRecordHash(auditChainStart, 1, event)).toBe(createHash('sha256').update(text).digest('hex'));
});

test('a whole chain is found whole, an empty one too', async () => {
  const records = await chainOf(7);
  expect(records.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(await verifyAuditChain(stream(records))).toEqual({ count: 7, headHash: records[6]?.hash });
  expect(await verifyAuditChain(stream([]))).toEqual({ count: 0, headHash: auditChainStart });
});

const alterations: readonly [what: string, alter: (record: AuditRecord) => AuditRecord][] = [
  ['time', (record) => ({ ...record, at: new Date(record.at.getTime() + 1) })],
  ['event', (record) => ({ ...record, event: `${record.event}.` })],
  ['a detail', (record) => ({ ...record, details: { ...record.details, serialNumber: '4000' } })],
  ['a detail more', (record) => ({ ...record, details: { ...record.details, more: '' } })],
  ['a detail less', ({ details: { code = '' }, ...record }) => ({ ...record, details: { code } })],
  [
    'order of details',
    (record) => ({ ...record, details: Object.fromEntries(Object.entries(record.details).toReversed()) }),
  ],
  [
    'the name of a detail',
    (record) => ({
      ...record,
      details: Object.fromEntries(Object.entries(record.details).map(([name, value]) => [`${name}s`, value])),
    }),
  ],
  [
    'hash',
    (record) => ({ ...record, hash: record.hash.replace(/^./u, (digit) => (digit === '0' ? '1' : '0')) }),
  ],
  ['hash, in capitals', (record) => ({ ...record, hash: record.hash.toUpperCase() })],
  ['number', (record) => ({ ...record, number: record.number + 1 })],
];

test.each(alterations)('another %s in any record breaks the chain there', async (_, alter) => {
  const records = await chainOf(5);
  for (let i = 0; i < records.length; i++) {
    const altered = records.map((record, index) => (index === i ? alter(record) : record));
    expect(await broken(altered)).toContain(`record ${i + 1}`);
  }
});

test('a record taken out breaks the chain, except at the end, where only the count and the head tell', async () => {
  const records = await chainOf(5);
  const whole = await verifyAuditChain(stream(records));
  for (let i = 0; i < 4; i++) {
    expect(await broken(records.toSpliced(i, 1))).toContain(`record ${i + 1} is missing`);
  }
  const cut = await verifyAuditChain(stream(records.slice(0, 4)));
  expect([cut.count, cut.headHash]).toEqual([4, records[3]?.hash]);
  expect(cut).not.toEqual(whole);
});

test('a record put in breaks the chain, though it be hashed with care', async () => {
  const records = await chainOf(4);
  for (let i = 0; i < 4; i++) {
    const before = i === 0 ? auditChainStart : (records[i - 1]?.hash ?? '');
    const event = { at, event: 'certificate-issued', details: {} };
    const inserted = { ...event, number: i + 1, hash: auditRecordHash(before, i + 1, event) };
    await broken(records.toSpliced(i, 0, inserted));
    // Renumbering what follows does not help: the number is hashed as well.
    const renumbered = records.slice(i).map(({ at: time, event: name, details, number, hash }) => {
      return { at: time, event: name, details, number: number + 1, hash };
    });
    await broken([...records.slice(0, i), inserted, ...renumbered]);
  }
});

test('any two records exchanged break the chain, with or without their numbers', async () => {
  const records = await chainOf(4);
  for (let i = 0; i < 4; i++) {
    for (let j = i + 1; j < 4; j++) {
      const [first, second] = [records[i], records[j]];
      if (first === undefined || second === undefined) throw new Error('there are four records');
      await broken(records.with(i, second).with(j, first));
      await broken(
        records.with(i, { ...second, number: first.number }).with(j, { ...first, number: second.number }),
      );
    }
  }
});

test('texts that look like structure do not collide', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.string()),
      fc.dictionary(fc.string(), fc.string()),
      (one, other) => {
        const same = JSON.stringify(Object.entries(one)) === JSON.stringify(Object.entries(other));
        expect(hashOf(one) === hashOf(other)).toBe(same);
      },
    ),
  );
});
