import { setImmediate } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import {
  type AuditEvent,
  type AuditRecord,
  auditChainStart,
  auditRecordHash,
  CountersignError,
  type CompleteCrlContents,
  type DeltaCrlContents,
  type Ledger,
  type LedgerEntry,
  type Revocation,
  type SerialReservation,
} from '@countersign/core';
import { GroupCommit } from './group-commit.ts';
import {
  requireAuditEvent,
  requireBytes,
  requireDate,
  requireReservation,
  requireRevocation,
} from './input.ts';
import {
  formatDetails,
  parseAuditRecord,
  parseCrl,
  parseEntry,
  parseInteger,
  parseRevokedEntry,
  parseStatusChange,
  parseText,
} from './rows.ts';
import { prepareStatements, type Statements } from './statements.ts';
import { storeFailure } from './store-failure.ts';

/** How many audit records are in memory at a time while the trail is read. */
const auditPageSize = 256;

/** The ledger over one open connection, whose owner it becomes. */
export class SqliteLedger implements Ledger {
  readonly #database: Database;
  readonly #path: string;
  readonly #statements: Statements;
  readonly #group: GroupCommit;

  constructor(database: Database, path: string) {
    this.#database = database;
    this.#path = path;
    this.#statements = prepareStatements(database);
    this.#group = new GroupCommit(database);
  }

  async reserve(reservation: SerialReservation): Promise<void> {
    requireReservation(reservation);
    const { serialNumber, requestDigest, keyId, keyOwner } = reservation;
    return this.#write(({ requestByDigest, entry, otherOwner, insertReservation }) => {
      // First, because another serial number would not help a replayed request.
      if (requestByDigest.get(requestDigest) !== undefined) {
        throw replayed(requestDigest);
      }
      if (entry.get(serialNumber) !== undefined) {
        throw conflict(`the serial number ${serialNumber} was used before`, 'Draw another serial number.');
      }
      const owner = otherOwner.get(keyId, keyOwner);
      if (owner !== undefined) throw certifiedForAnother(keyId, parseText(owner, 'key_owner'));
      insertReservation.run(
        serialNumber,
        reservation.profile,
        reservation.subject,
        reservation.agentSerialNumber ?? null,
        requestDigest,
        keyId,
        keyOwner,
        reservation.tbsCertificate,
        reservation.notAfter.getTime(),
        reservation.reservedAt.getTime(),
      );
    });
  }

  /** A reservation that was revoked meanwhile takes its certificate all the same: the CRL already lists it. */
  async record(serialNumber: string, certificate: Uint8Array, event?: AuditEvent): Promise<void> {
    requireBytes('the certificate', certificate);
    if (event !== undefined) requireAuditEvent(event);
    return this.#write(({ entry, insertCertificate }) => {
      const found = this.#parseFound(entry.get(serialNumber));
      if (found === undefined) {
        throw conflict(`the serial number ${serialNumber} is not reserved`, 'Reserve it before signing.');
      }
      if (found.certificate !== undefined) {
        throw conflict(
          `the serial number ${serialNumber} already has its certificate`,
          'Do not hand out the certificate just signed: another one was recorded under its serial number.',
        );
      }
      insertCertificate.run(serialNumber, certificate);
      if (event !== undefined) this.#append(event);
    });
  }

  async find(serialNumber: string): Promise<LedgerEntry | undefined> {
    return this.#read(({ entry }) => this.#parseFound(entry.get(serialNumber)));
  }

  async findByKey(keyId: string): Promise<readonly LedgerEntry[]> {
    return this.#read(({ entriesOfKey }) => entriesOfKey.all(keyId).map(parseEntry));
  }

  async revoke(serialNumber: string, revocation: Revocation, event?: AuditEvent): Promise<void> {
    requireRevocation(revocation);
    if (event !== undefined) requireAuditEvent(event);
    return this.#write(({ entry, insertRevocation }) => {
      const found = this.#parseFound(entry.get(serialNumber));
      if (found === undefined) {
        throw notRevocable(
          `no certificate has the serial number ${serialNumber}`,
          'Check the serial number.',
        );
      }
      const isHeld =
        found.revocation?.reason === 'certificateHold' && revocation.reason !== 'certificateHold';
      if (found.revocation !== undefined && !isHeld) {
        const { reason, revokedAt } = found.revocation;
        throw notRevocable(
          `the certificate ${serialNumber} was already revoked at ${revokedAt.toISOString()} (${reason})`,
          'Nothing is left to do: a revocation stands as it was made.',
        );
      }
      insertRevocation.run(serialNumber, revocation.reason, revocation.revokedAt.getTime());
      if (event !== undefined) this.#append(event);
    });
  }

  async release(serialNumber: string, releasedAt: Date, event?: AuditEvent): Promise<void> {
    requireDate('releasedAt', releasedAt);
    if (event !== undefined) requireAuditEvent(event);
    return this.#write(({ entry, insertRevocation }) => {
      const found = this.#parseFound(entry.get(serialNumber));
      if (found?.revocation?.reason !== 'certificateHold') {
        const status = found === undefined ? 'unknown' : (found.revocation?.reason ?? 'not revoked');
        throw notRevocable(
          `the certificate ${serialNumber} is ${status}; only one on hold (certificateHold) is released`,
          'Check the serial number.',
        );
      }
      insertRevocation.run(serialNumber, 'removeFromCRL', releasedAt.getTime());
      if (event !== undefined) this.#append(event);
    });
  }

  async beginCrl(thisUpdate: Date): Promise<CompleteCrlContents> {
    requireDate('thisUpdate', thisUpdate);
    return this.#write(({ lastCompleteCrl, revokedUntil }) => {
      const previous = lastCompleteCrl.get();
      const since = previous === undefined ? Number.MIN_SAFE_INTEGER : parseCrl(previous).thisUpdateMs;
      const revoked = revokedUntil.all(since).map(parseRevokedEntry);
      return { number: this.#beginCrl(1, thisUpdate), revoked };
    });
  }

  async beginDeltaCrl(thisUpdate: Date): Promise<DeltaCrlContents> {
    requireDate('thisUpdate', thisUpdate);
    return this.#write(({ lastCompleteCrl, changedSince }) => {
      const row = lastCompleteCrl.get();
      if (row === undefined) throw baseMissing();
      const base = parseCrl(row);
      const changes = changedSince.all(base.lastPosition).map(parseStatusChange);
      return {
        number: this.#beginCrl(0, thisUpdate),
        baseNumber: base.number,
        revoked: changes.filter((change) => 'reason' in change),
        released: changes.filter((change) => 'releasedAt' in change),
      };
    });
  }

  async recordCrl(number: number, event: AuditEvent): Promise<void> {
    requireAuditEvent(event);
    return this.#write(({ unsignedCrl, insertSignedCrl }) => {
      if (unsignedCrl.get(number) === undefined) {
        throw conflict(
          `no CRL with the number ${number} waits to be recorded`,
          'Begin a CRL, sign it, and record it once.',
        );
      }
      insertSignedCrl.run(number);
      this.#append(event);
    });
  }

  async appendAudit(event: AuditEvent): Promise<AuditRecord> {
    requireAuditEvent(event);
    return this.#write(() => this.#append(event));
  }

  /** Pages by number, so that no lock is held while the caller works; records appended meanwhile are read too. */
  async *readAudit(): AsyncGenerator<AuditRecord, void, undefined> {
    // Below any number a ledger writes, so that a record smuggled in before the first one shows.
    let last = Number.MIN_SAFE_INTEGER;
    for (;;) {
      const after = last;
      const page = this.#read(({ auditAfter }) => auditAfter.all(after, auditPageSize).map(parseAuditRecord));
      yield* page;
      last = page.at(-1)?.number ?? last;
      if (page.length < auditPageSize) {
        return;
      }
      await setImmediate();
    }
  }

  /** What was asked for before is committed first. */
  async close(): Promise<void> {
    if (this.#database.open) this.#group.flush();
    this.#database.close();
  }

  async #write<Result>(work: (statements: Statements) => Result): Promise<Result> {
    this.#requireOpen();
    try {
      return await this.#group.write(() => work(this.#statements));
    } catch (error) {
      throw storeFailure(error, this.#path);
    }
  }

  #read<Result>(work: (statements: Statements) => Result): Result {
    this.#requireOpen();
    try {
      return work(this.#statements);
    } catch (error) {
      throw storeFailure(error, this.#path);
    }
  }

  #requireOpen(): void {
    if (!this.#database.open) {
      throw new CountersignError(
        'LEDGER_UNAVAILABLE',
        `the ledger ${this.#path} is closed`,
        'Open it again before using it.',
      );
    }
  }

  /** Within a transaction of `#write`. */
  #append(event: AuditEvent): AuditRecord {
    const { lastAudit, insertAudit } = this.#statements;
    const row = lastAudit.get();
    const last = row === undefined ? { number: 0, hash: auditChainStart } : parseAuditRecord(row);
    const number = last.number + 1;
    const hash = auditRecordHash(last.hash, number, event);
    insertAudit.run(number, event.at.getTime(), event.event, formatDetails(event.details), hash);
    return { number, at: new Date(event.at), event: event.event, details: { ...event.details }, hash };
  }

  /** Within a transaction of `#write`. @returns the CRL's number */
  #beginCrl(isComplete: 0 | 1, thisUpdate: Date): number {
    const { crlState, insertCrl } = this.#statements;
    const state = crlState.get();
    const number = parseInteger(state, 'last_number') + 1;
    insertCrl.run(number, isComplete, thisUpdate.getTime(), parseInteger(state, 'last_position'));
    return number;
  }

  #parseFound(row: unknown): LedgerEntry | undefined {
    return row === undefined ? undefined : parseEntry(row);
  }
}

function conflict(found: string, hint: string): CountersignError {
  return new CountersignError('LEDGER_CONFLICT', found, hint);
}

function replayed(requestDigest: string): CountersignError {
  return new CountersignError(
    'REQUEST_REPLAYED',
    `the request with SHA-256 ${requestDigest} already led to a certificate, or to the attempt to sign one`,
    'Make a new request; revoke the reserved serial number if its certificate was never handed out.',
  );
}

function certifiedForAnother(keyId: string, owner: string): CountersignError {
  return new CountersignError(
    'KEY_CERTIFIED_FOR_ANOTHER',
    `a certificate for the key ${keyId} was made out to ${owner} before`,
    'Generate a key pair for this subject: a key stands for one owner.',
    { adcs: 'CERTSRV_E_BAD_REQUESTSUBJECT' },
  );
}

function baseMissing(): CountersignError {
  return new CountersignError(
    'CRL_BASE_MISSING',
    'there is no complete CRL yet that a delta could be counted from',
    'Make a complete CRL first.',
  );
}

function notRevocable(found: string, hint: string): CountersignError {
  return new CountersignError('REVOCATION_NOT_POSSIBLE', found, hint);
}
