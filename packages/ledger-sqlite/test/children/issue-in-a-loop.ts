// Reserves, records, revokes and audits for ever, and says after each call that it was done.
import { writeSync } from 'node:fs';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import { reservationFor } from '../reservations.ts';

const [path = '', name = ''] = process.argv.slice(2);
const ledger = await openSqliteLedger(path, { busyTimeoutMs: 60_000 });
writeSync(1, 'open\n');
for (let index = 0; ; index++) {
  const seed = `${name}-${index}`;
  const { serialNumber } = reservationFor(seed);
  await ledger.reserve(reservationFor(seed));
  writeSync(1, `reserved ${seed}\n`);
  await ledger.record(serialNumber, Buffer.from(seed));
  writeSync(1, `recorded ${seed}\n`);
  const { number, hash } = await ledger.appendAudit({
    at: new Date(),
    event: 'certificate-issued',
    details: { seed },
  });
  writeSync(1, `audited ${number} ${hash}\n`);
  await ledger.revoke(serialNumber, { reason: 'superseded', revokedAt: new Date() });
  writeSync(1, `revoked ${seed}\n`);
  writeSync(1, `crl ${(await ledger.beginCrl(new Date())).number}\n`);
}
