import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Certificate, verifyAuditChain, type Ledger } from '@countersign/core';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import { expect, test } from 'vitest';
import { createSite, ledgerPath, openSite, signaturesPath } from './children/ca-site.ts';
import { startChild } from './children/start-child.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** How many processes are killed; a longer run sets COUNTERSIGN_KILLS. */
const kills = Number(process.env['COUNTERSIGN_KILLS'] ?? 10);
const inFlight = 8;

test(
  `a CA killed ${kills} times with ${inFlight} enrollments in flight loses nothing and repeats nothing`,
  { timeout: 60_000 + kills * 3000 },
  async () => {
    const folder = await temporaryFolder();
    const before = await openSqliteLedger(ledgerPath(folder));
    await createSite(folder, before);
    await before.close();

    const received = new Map<string, Uint8Array>();
    for (let killed = 0; killed < kills; killed += 2) {
      // Two processes of the one CA at a time, each cut off at a moment of its own.
      const ended = await Promise.all([0, 1].map(async () => killedWhileIssuing(folder)));
      for (const der of ended.flat()) {
        const { serialNumber } = Certificate.parse(der);
        expect(received.has(serialNumber), 'a serial number was used twice').toBe(false);
        received.set(serialNumber, der);
      }
    }

    const ledger = await openSqliteLedger(ledgerPath(folder), { ifMissing: 'refuse' });
    for (const [serialNumber, der] of received) {
      expect((await ledger.find(serialNumber))?.certificate, `${serialNumber} is not recorded`).toEqual(der);
    }
    const signed = await signaturesWithTheirRecords(folder, ledger);
    const { ca } = openSite(folder, ledger);
    for (const serialNumber of received.keys()) await ca.revoke(serialNumber, 'cessationOfOperation');
    expect((await ledger.beginCrl(new Date())).revoked).toHaveLength(received.size);
    const { count } = await verifyAuditChain(ledger.readAudit());
    await ledger.close();

    expect(received.size).toBeGreaterThan(kills);
    expect(signed.size).toBeGreaterThanOrEqual(received.size);
    process.stdout.write(
      `${kills} kills: ${signed.size} signatures made, each with its record; ${received.size} certificates received, ` +
        `each recorded and revoked; no serial number used twice; ${count} audit records, whole\n`,
    );
  },
);

/** @returns the certificates that users received before the end, DER */
async function killedWhileIssuing(folder: string): Promise<Uint8Array[]> {
  const child = startChild('enroll-in-flight.ts', [folder, String(inFlight)]);
  await child.started;
  await sleep(Math.random() * 120);
  child.process.kill('SIGKILL');
  const { lines, ending } = await child.ended;
  expect(ending).toBe('SIGKILL');
  // What was cut off in the middle was not received.
  return lines.flatMap((line) => {
    const der = Uint8Array.from(Buffer.from(line, 'hex'));
    return der.length === 4 + (((der[2] ?? 0) << 8) | (der[3] ?? 0)) ? [der] : [];
  });
}

/** @returns the serial numbers for which signatures were made; each stands in the ledger with what was signed */
async function signaturesWithTheirRecords(folder: string, ledger: Ledger): Promise<Set<string>> {
  const serialNumbers = new Set<string>();
  for (const line of readFileSync(signaturesPath(folder), 'utf8').split('\n').slice(0, -1)) {
    const tbsCertificate = Uint8Array.from(Buffer.from(line, 'hex'));
    // SEQUENCE in four octets, version in five, and the serial number: 02 12 and eighteen octets.
    const serialNumber = Buffer.from(tbsCertificate.subarray(11, 29)).toString('hex');
    expect((await ledger.find(serialNumber))?.tbsCertificate, 'a signature without a record').toEqual(
      tbsCertificate,
    );
    expect(serialNumbers.has(serialNumber), 'two signatures for one serial number').toBe(false);
    serialNumbers.add(serialNumber);
  }
  return serialNumbers;
}
