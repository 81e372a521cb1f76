import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AuditRecord, type Ledger, verifyAuditChain } from '@countersign/core';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import { expect, test } from 'vitest';
import { startChild } from './children/start-child.ts';
import { reservationFor } from './reservations.ts';
import { temporaryFolder } from './temporary-folder.ts';

test('processes that contend never share a serial, a request, an audit number or a CRL number', async () => {
  const path = join(await temporaryFolder(), 'ledger.db');
  const turns = 60;
  // None of them finds a ledger: all create it at once.
  const children = ['a', 'b', 'c'].map((name) => startChild('contend.ts', [path, name, String(turns)]));
  const results = await Promise.all(children.map(({ ended }) => ended));
  expect(results.map(({ ending }) => ending)).toEqual([0, 0, 0]);
  const words = results.flatMap(({ lines }) => lines.map((line) => line.split(' ')));
  const said = (what: string): number[] =>
    words
      .filter(([first]) => first === what)
      .map(([, number]) => Number(number))
      .sort((a, b) => a - b);

  const everyTurn = Array.from({ length: turns }, (_, index) => index);
  expect(said('won-serial')).toEqual(everyTurn);
  expect(said('won-request')).toEqual(everyTurn);
  const refusals = words.flatMap(([first = '', , code = '']) =>
    first.startsWith('lost') ? [`${first} ${code}`] : [],
  );
  expect(new Set(refusals)).toEqual(
    new Set(['lost-serial LEDGER_CONFLICT', 'lost-request REQUEST_REPLAYED']),
  );
  expect(refusals).toHaveLength(4 * turns);
  expect(new Set(said('crl')).size).toBe(3 * turns);
  expect(said('audited')).toEqual(Array.from({ length: 3 * turns }, (_, index) => index + 1));

  const ledger = await openSqliteLedger(path);
  expect((await verifyAuditChain(ledger.readAudit())).count).toBe(3 * turns);
  await ledger.close();
});

test('what processes reported before they were killed is there, and the chain is whole', async () => {
  const path = join(await temporaryFolder(), 'ledger.db');
  let reportedLines = 0;
  let lastCrlNumber = 0;
  for (let round = 0; round < 6; round++) {
    // Five at a time: starting a process takes far longer than what is tested.
    const children = [0, 1, 2, 3, 4].map((index) =>
      startChild('issue-in-a-loop.ts', [path, `${round}-${index}`]),
    );
    await Promise.all(children.map(({ started }) => started));
    const killed = children.map(async ({ process: child, ended }) => {
      await sleep(Math.random() * 60);
      child.kill('SIGKILL');
      return ended;
    });
    const results = await Promise.all(killed);
    expect(results.map(({ ending }) => ending)).toEqual(Array.from({ length: 5 }, () => 'SIGKILL'));

    const ledger = await openSqliteLedger(path, { ifMissing: 'refuse' });
    const audit = new Map<number, AuditRecord>();
    for await (const record of ledger.readAudit()) {
      audit.set(record.number, record);
    }
    for (const line of results.flatMap(({ lines }) => lines)) {
      await expectDone(ledger, audit, line);
      reportedLines++;
    }
    await verifyAuditChain(ledger.readAudit());
    const reportedCrlNumbers = results
      .flatMap(({ lines }) => lines)
      .flatMap((line) => (line.startsWith('crl ') ? [Number(line.slice(4))] : []));
    expect(new Set(reportedCrlNumbers).size).toBe(reportedCrlNumbers.length);
    const { number: next } = await ledger.beginCrl(new Date());
    expect(next).toBeGreaterThan(Math.max(lastCrlNumber, ...reportedCrlNumbers));
    lastCrlNumber = next;
    await ledger.close();
  }
  expect(reportedLines).toBeGreaterThan(100);
});

async function expectDone(ledger: Ledger, audit: Map<number, AuditRecord>, line: string): Promise<void> {
  const [what, subject = '', hash = ''] = line.split(' ');
  if (what === 'audited') {
    expect(audit.get(Number(subject))?.hash).toBe(hash);
  } else if (what === 'reserved' || what === 'recorded' || what === 'revoked') {
    const entry = await ledger.find(reservationFor(subject).serialNumber);
    expect(entry?.requestDigest).toBe(reservationFor(subject).requestDigest);
    if (what !== 'reserved') {
      expect(Buffer.from(entry?.certificate ?? []).toString()).toBe(subject);
    }
    if (what === 'revoked') {
      expect(entry?.revocation?.reason).toBe('superseded');
    }
  } else {
    expect(['open', 'crl']).toContain(what);
  }
}
