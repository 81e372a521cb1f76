import { CountersignError } from '../errors.ts';
import { auditChainStart, auditRecordHash } from './audit-chain.ts';
import type { CrlReason } from '../x509/revocation-reason.ts';
import type {
  AuditEvent,
  AuditRecord,
  CompleteCrlContents,
  DeltaCrlContents,
  Ledger,
  LedgerEntry,
  RevokedEntry,
  Revocation,
  SerialReservation,
} from './ledger.ts';

/** A ledger that forgets everything with the process: for tests, demonstrations and measurements, never for a CA. */
export class MemoryLedger implements Ledger {
  readonly #entries = new Map<string, LedgerEntry>();
  readonly #requestDigests = new Set<string>();
  readonly #keyOwners = new Map<string, string>();
  /** Each change of status in order. */
  readonly #changes: StatusChange[] = [];
  readonly #audit: AuditRecord[] = [];
  #crlNumber = 0;
  /** CRLs that were begun and are not recorded, by number; undefined for a delta. */
  readonly #begunCrls = new Map<number, CrlBase | undefined>();
  #lastCrl: CrlBase | undefined;

  reserve(reservation: SerialReservation): Promise<void> {
    return settle(() => {
      if (this.#entries.has(reservation.serialNumber)) {
        throw conflict(`the serial number ${reservation.serialNumber} is already in use`);
      }
      if (this.#requestDigests.has(reservation.requestDigest)) {
        throw new CountersignError(
          'REQUEST_REPLAYED',
          `the request ${reservation.requestDigest} was handed in before`,
          'Make a new request.',
        );
      }
      const { keyId, keyOwner } = reservation;
      const owner = this.#keyOwners.get(keyId) ?? keyOwner;
      if (owner !== keyOwner) throw certifiedForAnother(keyId, owner);
      this.#keyOwners.set(keyId, keyOwner);
      this.#requestDigests.add(reservation.requestDigest);
      this.#entries.set(reservation.serialNumber, {
        ...reservation,
        certificate: undefined,
        revocation: undefined,
      });
    });
  }

  record(serialNumber: string, certificate: Uint8Array, event?: AuditEvent): Promise<void> {
    return settle(() => {
      const entry = this.#entries.get(serialNumber);
      if (entry === undefined || entry.certificate !== undefined) {
        throw conflict(`the serial number ${serialNumber} is not reserved, or has its certificate already`);
      }
      this.#entries.set(serialNumber, { ...entry, certificate: Uint8Array.from(certificate) });
      if (event !== undefined) this.#append(event);
    });
  }

  find(serialNumber: string): Promise<LedgerEntry | undefined> {
    return settle(() => this.#entries.get(serialNumber));
  }

  findByKey(keyId: string): Promise<readonly LedgerEntry[]> {
    return settle(() => [...this.#entries.values()].filter((entry) => entry.keyId === keyId));
  }

  revoke(serialNumber: string, revocation: Revocation, event?: AuditEvent): Promise<void> {
    return settle(() => {
      const entry = this.#entries.get(serialNumber);
      const isHeld =
        entry?.revocation?.reason === 'certificateHold' && revocation.reason !== 'certificateHold';
      if (entry === undefined || (entry.revocation !== undefined && !isHeld)) {
        throw notPossible(serialNumber, entry === undefined ? 'unknown' : 'revoked already');
      }
      this.#entries.set(serialNumber, { ...entry, revocation });
      this.#changes.push({ serialNumber, reason: revocation.reason, at: revocation.revokedAt });
      if (event !== undefined) this.#append(event);
    });
  }

  release(serialNumber: string, releasedAt: Date, event?: AuditEvent): Promise<void> {
    return settle(() => {
      const entry = this.#entries.get(serialNumber);
      if (entry?.revocation?.reason !== 'certificateHold') throw notPossible(serialNumber, 'not on hold');
      this.#entries.set(serialNumber, { ...entry, revocation: undefined });
      this.#changes.push({ serialNumber, reason: 'removeFromCRL', at: releasedAt });
      if (event !== undefined) this.#append(event);
    });
  }

  beginCrl(thisUpdate: Date): Promise<CompleteCrlContents> {
    return settle(() => {
      const previous = this.#lastCrl?.thisUpdate ?? new Date(0);
      const revoked = this.#revokedSince(0).filter(
        ({ serialNumber }) => (this.#entries.get(serialNumber)?.notAfter ?? previous) > previous,
      );
      const number = ++this.#crlNumber;
      this.#begunCrls.set(number, { number, thisUpdate, changes: this.#changes.length });
      return { number, revoked };
    });
  }

  beginDeltaCrl(_thisUpdate: Date): Promise<DeltaCrlContents> {
    return settle(() => {
      const base = this.#lastCrl;
      if (base === undefined) throw baseMissing();
      const released = this.#changesSince(base.changes)
        .filter(({ reason }) => reason === 'removeFromCRL')
        .map(({ serialNumber, at }) => ({ serialNumber, releasedAt: at }));
      const revoked = this.#revokedSince(base.changes);
      const number = ++this.#crlNumber;
      this.#begunCrls.set(number, undefined);
      return { number, baseNumber: base.number, revoked, released };
    });
  }

  recordCrl(number: number, event: AuditEvent): Promise<void> {
    return settle(() => {
      if (!this.#begunCrls.has(number))
        throw conflict(`no CRL with the number ${number} waits to be recorded`);
      const base = this.#begunCrls.get(number);
      this.#begunCrls.delete(number);
      if (base !== undefined && number > (this.#lastCrl?.number ?? 0)) this.#lastCrl = base;
      this.#append(event);
    });
  }

  appendAudit(event: AuditEvent): Promise<AuditRecord> {
    return settle(() => this.#append(event));
  }

  // oxlint-disable-next-line typescript/require-await -- the interface is for stores that do wait
  async *readAudit(): AsyncIterable<AuditRecord> {
    yield* this.#audit;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #revokedSince(changes: number): RevokedEntry[] {
    return this.#changesSince(changes).flatMap(({ serialNumber }) => {
      const revocation = this.#entries.get(serialNumber)?.revocation;
      return revocation === undefined ? [] : [{ serialNumber, ...revocation }];
    });
  }

  /** The last change of each certificate that changed since. */
  #changesSince(changes: number): StatusChange[] {
    const last = new Map(this.#changes.map((change) => [change.serialNumber, change]));
    return this.#changes.slice(changes).filter((change) => last.get(change.serialNumber) === change);
  }

  #append(event: AuditEvent): AuditRecord {
    const number = this.#audit.length + 1;
    const previousHash = this.#audit.at(-1)?.hash ?? auditChainStart;
    const record = { ...event, number, hash: auditRecordHash(previousHash, number, event) };
    this.#audit.push(record);
    return record;
  }
}

/** A complete CRL that deltas may count from. */
interface CrlBase {
  readonly number: number;
  readonly thisUpdate: Date;
  /** How many changes of status it takes into account. */
  readonly changes: number;
}

interface StatusChange {
  readonly serialNumber: string;
  readonly reason: CrlReason;
  readonly at: Date;
}

/** Runs at once and turns a throw into a rejection, as a store that is really asynchronous would. */
function settle<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(work());
  });
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

function notPossible(serialNumber: string, found: string): CountersignError {
  return new CountersignError(
    'REVOCATION_NOT_POSSIBLE',
    `the serial number ${serialNumber} is ${found}`,
    'Check the serial number.',
  );
}

function conflict(found: string): CountersignError {
  return new CountersignError('LEDGER_CONFLICT', found, 'Stop issuing and find out which process wrote it.');
}
