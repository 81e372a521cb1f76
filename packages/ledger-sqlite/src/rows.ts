import {
  type AuditRecord,
  CountersignError,
  isRevocationReason,
  type LedgerEntry,
  type ReleasedEntry,
  type Revocation,
  type RevokedEntry,
} from '@countersign/core';

/** What the database returned, turned into the ledger's types; a value of another kind than the schema's is refused. */

/** @throws CountersignError `LEDGER_UNAVAILABLE` if the row is not what a ledger writes. */
export function parseEntry(row: unknown): LedgerEntry {
  const columns = new Columns(row);
  return {
    serialNumber: columns.text('serial_number'),
    profile: columns.text('profile'),
    subject: columns.text('subject'),
    agentSerialNumber: columns.has('agent_serial_number') ? columns.text('agent_serial_number') : undefined,
    requestDigest: columns.text('request_digest'),
    keyId: columns.text('key_id'),
    keyOwner: columns.text('key_owner'),
    tbsCertificate: columns.bytes('tbs_certificate'),
    notAfter: columns.date('not_after_ms'),
    reservedAt: columns.date('reserved_at_ms'),
    certificate: columns.has('certificate') ? columns.bytes('certificate') : undefined,
    revocation: columns.has('reason') ? parseRevocation(columns) : undefined,
  };
}

/** @throws CountersignError `LEDGER_UNAVAILABLE` if the row is not what a ledger writes. */
export function parseRevokedEntry(row: unknown): RevokedEntry {
  const columns = new Columns(row);
  return { serialNumber: columns.text('serial_number'), ...parseRevocation(columns) };
}

/** The last change of a certificate's status: a revocation, or the end of a hold. Throws as `parseRevokedEntry`. */
export function parseStatusChange(row: unknown): RevokedEntry | ReleasedEntry {
  const columns = new Columns(row);
  return columns.text('reason') === 'removeFromCRL'
    ? { serialNumber: columns.text('serial_number'), releasedAt: columns.date('revoked_at_ms') }
    : parseRevokedEntry(row);
}

/** What the next CRL goes by. */
export interface CrlState {
  readonly number: number;
  readonly thisUpdateMs: number;
  readonly lastPosition: number;
}

/** @throws CountersignError `LEDGER_UNAVAILABLE` if the row is not what a ledger writes. */
export function parseCrl(row: unknown): CrlState {
  const columns = new Columns(row);
  return {
    number: columns.integer('number'),
    thisUpdateMs: columns.integer('this_update_ms'),
    lastPosition: columns.integer('last_position'),
  };
}

/** @throws CountersignError `AUDIT_CHAIN_BROKEN` if the row is not what a ledger writes: only tampering makes one. */
export function parseAuditRecord(row: unknown): AuditRecord {
  const columns = new Columns(row);
  const number = columns.integer('number');
  try {
    return {
      number,
      at: columns.date('at_ms'),
      event: columns.text('event'),
      details: parseDetails(columns.text('details')),
      hash: columns.text('hash'),
    };
  } catch (error) {
    throw new CountersignError(
      'AUDIT_CHAIN_BROKEN',
      `the audit trail is not whole: record ${number} cannot be read`,
      'Stop issuing, keep the ledger as it is, and compare it with a backup.',
      { cause: error },
    );
  }
}

/** The one integer of a row with one column of that name. */
export function parseInteger(row: unknown, column: string): number {
  return new Columns(row).integer(column);
}

/** The one text of a row with one column of that name. */
export function parseText(row: unknown, column: string): string {
  return new Columns(row).text(column);
}

/** The form in which `parseDetails` finds them again, order included. */
export function formatDetails(details: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(details));
}

function parseDetails(text: string): Readonly<Record<string, string>> {
  const pairs: unknown = JSON.parse(text);
  if (!Array.isArray(pairs)) {
    throw damaged('details', 'not an array');
  }
  return Object.fromEntries(pairs.map(parsePair));
}

function parsePair(pair: unknown): readonly [string, string] {
  if (Array.isArray(pair) && pair.length === 2) {
    const key: unknown = pair[0];
    const value: unknown = pair[1];
    if (typeof key === 'string' && typeof value === 'string') {
      return [key, value];
    }
  }
  throw damaged('details', 'not an array of pairs of strings');
}

function parseRevocation(columns: Columns): Revocation {
  const reason = columns.text('reason');
  if (!isRevocationReason(reason)) {
    throw damaged('reason', `the unknown reason ${JSON.stringify(reason)}`);
  }
  return { reason, revokedAt: columns.date('revoked_at_ms') };
}

class Columns {
  readonly #values: ReadonlyMap<string, unknown>;

  constructor(row: unknown) {
    if (typeof row !== 'object' || row === null) {
      throw damaged('a row', typeof row);
    }
    this.#values = new Map<string, unknown>(Object.entries(row));
  }

  has(column: string): boolean {
    return (this.#values.get(column) ?? null) !== null;
  }

  text(column: string): string {
    const value = this.#values.get(column);
    if (typeof value !== 'string') {
      throw damaged(column, typeof value);
    }
    return value;
  }

  integer(column: string): number {
    const value = this.#values.get(column);
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
      throw damaged(column, typeof value);
    }
    return value;
  }

  date(column: string): Date {
    const date = new Date(this.integer(column));
    if (Number.isNaN(date.getTime())) {
      throw damaged(column, 'a time outside of the range of dates');
    }
    return date;
  }

  bytes(column: string): Uint8Array {
    const value = this.#values.get(column);
    if (!(value instanceof Uint8Array)) {
      throw damaged(column, typeof value);
    }
    return new Uint8Array(value);
  }
}

function damaged(column: string, found: string): CountersignError {
  return new CountersignError(
    'LEDGER_UNAVAILABLE',
    `the ledger holds a value that it does not write: ${column} is ${found}`,
    'The ledger file is damaged. Stop issuing, keep the file as it is, and restore a backup.',
  );
}
