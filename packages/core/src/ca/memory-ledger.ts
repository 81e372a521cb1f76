import { CountersignError } from '../errors.ts';
import { auditChainStart, auditRecordHash } from './audit-chain.ts';
import type {
  AuditEvent,
  AuditRecord,
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
  readonly #audit: AuditRecord[] = [];
  #crlNumber = 0;

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

  revoke(serialNumber: string, revocation: Revocation, event?: AuditEvent): Promise<void> {
    return settle(() => {
      const entry = this.#entries.get(serialNumber);
      const isHeld =
        entry?.revocation?.reason === 'certificateHold' && revocation.reason !== 'certificateHold';
      if (entry === undefined || (entry.revocation !== undefined && !isHeld)) {
        throw notPossible(serialNumber, entry === undefined ? 'unknown' : 'revoked already');
      }
      // Taken out and put back: a Map keeps the order in which keys came, and revocations are listed in theirs.
      this.#entries.delete(serialNumber);
      this.#entries.set(serialNumber, { ...entry, revocation });
      if (event !== undefined) this.#append(event);
    });
  }

  release(serialNumber: string, _releasedAt: Date, event?: AuditEvent): Promise<void> {
    return settle(() => {
      const entry = this.#entries.get(serialNumber);
      if (entry?.revocation?.reason !== 'certificateHold') throw notPossible(serialNumber, 'not on hold');
      this.#entries.set(serialNumber, { ...entry, revocation: undefined });
      if (event !== undefined) this.#append(event);
    });
  }

  listRevoked(at: Date): Promise<readonly RevokedEntry[]> {
    return settle(() =>
      [...this.#entries.values()].flatMap(({ serialNumber, notAfter, revocation }) =>
        revocation === undefined || notAfter <= at ? [] : [{ serialNumber, ...revocation }],
      ),
    );
  }

  nextCrlNumber(): Promise<number> {
    return settle(() => ++this.#crlNumber);
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

  #append(event: AuditEvent): AuditRecord {
    const number = this.#audit.length + 1;
    const previousHash = this.#audit.at(-1)?.hash ?? auditChainStart;
    const record = { ...event, number, hash: auditRecordHash(previousHash, number, event) };
    this.#audit.push(record);
    return record;
  }
}

/** Runs at once and turns a throw into a rejection, as a store that is really asynchronous would. */
function settle<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(work());
  });
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
