import { CountersignError, verifyAuditChain, type AuditRecord } from '@countersign/core';
import { expect, test } from 'vitest';
import { forgeForAlice } from '../enrollment/countersignature-forger.ts';
import { countersignForAlice } from '../enrollment/enrollment-fixture.ts';
import { refusal } from '../enrollment/refusal.ts';
import { casesAt, createBench, expectRefused, type Attempts, type Bench } from './refusal-bench.ts';
import type { CaseName } from './refusal-table.ts';

/** What a store says whose disk is full. */
const outage = new CountersignError(
  'LEDGER_UNAVAILABLE',
  'the ledger cannot be written: no space left on device',
  'Free space.',
  { cause: Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }) },
);

/** What is left behind where the store fails after the CA decided, and where the refusal itself cannot be written. */
interface Trace {
  readonly signatures: number;
  readonly reservations: number;
  /** Events that were added to the audit. */
  readonly audit: readonly string[];
}

const nothing: Trace = { signatures: 0, reservations: 0, audit: [] };

const attempts: Attempts<'store'> = {
  'a ledger that cannot be asked': failing((bench) => bench.ledger.failAt('find', outage)),
  'a ledger that cannot reserve': failing((bench) => bench.ledger.failAt('reserve', outage)),
  'a ledger that cannot record': failing((bench) => bench.ledger.failAt('record', outage)),
  'an audit that cannot take the issuance': failing((bench) =>
    bench.ledger.failAt('appendAudit', outage, 'certificate-issued'),
  ),
  'an audit that cannot take the refusal': async (bench) => {
    const countersigned = await forgeForAlice(bench, () => ({ signature: () => new Uint8Array() }));
    bench.ledger.failAt('appendAudit', outage, 'request-refused');
    return { countersigned };
  },
  'a ledger that is full altogether': failing(fillUp),
};

/** The cases in which there cannot be just one audit record. A signature that was made is revoked, never handed out. */
const traces: Readonly<Partial<Record<CaseName<'store'>, Trace>>> = {
  'a ledger that cannot record': {
    signatures: 1,
    reservations: 1,
    audit: ['issuance-failed', 'request-refused'],
  },
  'an audit that cannot take the issuance': {
    signatures: 1,
    reservations: 1,
    audit: ['issuance-failed', 'request-refused'],
  },
  'an audit that cannot take the refusal': nothing,
  'a ledger that is full altogether': nothing,
};

const leavingOneRecord = casesAt('store', attempts).filter(({ name }) => !(name in traces));

test.each(leavingOneRecord)('refused: $name ($rule: $code)', async (refused) => {
  const bench = await createBench();
  await expectRefused(bench, refused);
  await expectRecovery(bench);
});

const leavingMoreOrLess = casesAt('store', attempts).flatMap((row) =>
  Object.entries(traces).flatMap(([name, trace]) => (name === row.name ? [{ ...row, trace }] : [])),
);

test.each(leavingMoreOrLess)('refused: $name ($rule: $code)', async ({ attempt, code, trace }) => {
  const bench = await createBench();
  const { ca, ledger, signatures } = bench;
  const input = await attempt(bench);
  if (!('countersigned' in input)) throw new Error('the CA takes countersigned requests');
  const reserved = ledger.reservations.length;
  const recorded = ledger.recorded.length;
  const audited = (await ledger.audit()).length;
  const before = signatures.ca;
  const error = await refusal(async () => ca.issue(input.countersigned));
  expect(error.code).toBe(code);
  expect(ledger.recorded).toHaveLength(recorded);
  expect(signatures.ca - before).toBe(trace.signatures);
  expect((await ledger.audit()).slice(audited).map(({ event }: AuditRecord) => event)).toEqual(trace.audit);
  ledger.recover();
  const left = ledger.reservations.slice(reserved);
  expect(left).toHaveLength(trace.reservations);
  for (const { serialNumber } of left) {
    const entry = await ledger.find(serialNumber);
    expect(entry?.certificate).toBeUndefined();
    expect(entry?.revocation?.reason).toBe('cessationOfOperation');
  }
  await expectRecovery(bench);
});

test('every case is tested once', () => {
  expect(leavingOneRecord.length + leavingMoreOrLess.length).toBe(Object.keys(attempts).length);
  expect(leavingMoreOrLess).toHaveLength(Object.keys(traces).length);
});

function failing(fail: (bench: Bench) => void): Attempts<'store'>['a ledger that cannot be asked'] {
  return async (bench) => {
    const countersigned = await countersignForAlice(bench);
    fail(bench);
    return { countersigned };
  };
}

function fillUp({ ledger }: Bench): void {
  for (const method of ['reserve', 'record', 'revoke', 'appendAudit'] as const) ledger.failAt(method, outage);
}

/** With the store back, the next request is answered and the audit is whole. */
async function expectRecovery(bench: Bench): Promise<void> {
  bench.ledger.recover();
  const before = bench.signatures.ca;
  await bench.ca.issue(await countersignForAlice(bench));
  expect(bench.signatures.ca).toBe(before + 1);
  expect((await verifyAuditChain(bench.ledger.readAudit())).count).toBe((await bench.ledger.audit()).length);
}
