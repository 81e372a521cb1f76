// Tries to reserve the same serials and requests as its rivals, and takes audit and CRL numbers.
import { writeSync } from 'node:fs';
import { CountersignError } from '@countersign/core';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import { reservationFor } from '../reservations.ts';

const [path = '', name = '', count = '0'] = process.argv.slice(2);
const ledger = await openSqliteLedger(path, { busyTimeoutMs: 60_000 });
for (let index = 0; index < Number(count); index++) {
  await claim(
    'serial',
    index,
    ledger.reserve(reservationFor(`${name} serial ${index}`, { serialNumber: serial(index) })),
  );
  const { requestDigest } = reservationFor(`shared request ${index}`);
  await claim(
    'request',
    index,
    ledger.reserve(reservationFor(`${name} request ${index}`, { requestDigest })),
  );
  const { number } = await ledger.appendAudit({
    at: new Date(),
    event: 'turn',
    details: { name, index: String(index) },
  });
  writeSync(1, `audited ${number}\n`);
  writeSync(1, `crl ${(await ledger.beginCrl(new Date())).number}\n`);
}
await ledger.close();

function serial(index: number): string {
  return reservationFor(`shared serial ${index}`).serialNumber;
}

async function claim(what: string, index: number, reserved: Promise<void>): Promise<void> {
  try {
    await reserved;
    writeSync(1, `won-${what} ${index}\n`);
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    writeSync(1, `lost-${what} ${index} ${error.code}\n`);
  }
}
