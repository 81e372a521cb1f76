// Eight users enroll for ever, each with a new key each time, and say what certificate they received.
import { writeSync } from 'node:fs';
import { createCertificationRequest } from '@countersign/core';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import { ledgerPath, newKey, openSite } from './ca-site.ts';

const [folder = '', inFlight = '8'] = process.argv.slice(2);
const ledger = await openSqliteLedger(ledgerPath(folder), { ifMissing: 'refuse', busyTimeoutMs: 60_000 });
const { ca, ra, register } = openSite(folder, ledger);

async function enrollForEver(number: number): Promise<void> {
  for (;;) {
    const key = newKey();
    const user = register(number, key.publicKey);
    const { der } = await ra.countersign(await createCertificationRequest(key), user.upn);
    const certificate = await ca.issue(der);
    writeSync(1, `${Buffer.from(certificate.der).toString('hex')}\n`);
  }
}

await Promise.all(Array.from({ length: Number(inFlight) }, async (_, number) => enrollForEver(number)));
