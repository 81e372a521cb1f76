import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import { describeLedger } from './ledger-suite.ts';

describeLedger('openSqliteLedger', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-ledger-'));
  return {
    connect: () => openSqliteLedger(join(folder, 'ledger.db')),
    remove: () => rm(folder, { recursive: true }),
  };
});
