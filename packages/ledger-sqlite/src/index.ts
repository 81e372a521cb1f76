export { openSqliteLedger, type OpenSqliteLedgerOptions } from './open-sqlite-ledger.ts';
