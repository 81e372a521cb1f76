import {
  MemoryLedger,
  type AuditEvent,
  type AuditRecord,
  type CompleteCrlContents,
  type DeltaCrlContents,
  type Ledger,
  type LedgerEntry,
  type Revocation,
  type SerialReservation,
} from '@countersign/core';

type Method = Exclude<keyof Ledger, 'readAudit' | 'close'>;

/** A memory ledger that shows what came in, and that can be told to fail. */
export class WatchedLedger implements Ledger {
  readonly #ledger = new MemoryLedger();
  readonly #failing = new Map<string, Error>();
  readonly reservations: SerialReservation[] = [];
  readonly recorded: { readonly serialNumber: string; readonly certificate: Uint8Array }[] = [];

  /**
   * From now on this method rejects with this error, before anything is written.
   * @param event with `appendAudit`: only for events of this name
   */
  failAt(method: Method, error: Error, event = ''): void {
    this.#failing.set(`${method} ${event}`, error);
  }

  recover(): void {
    this.#failing.clear();
  }

  async audit(): Promise<AuditRecord[]> {
    const records: AuditRecord[] = [];
    for await (const record of this.readAudit()) records.push(record);
    return records;
  }

  async reserve(reservation: SerialReservation): Promise<void> {
    this.#mayFail('reserve');
    await this.#ledger.reserve(reservation);
    this.reservations.push(reservation);
  }

  async record(serialNumber: string, certificate: Uint8Array, event?: AuditEvent): Promise<void> {
    this.#mayFail('record');
    this.#mayFailToAudit(event);
    await this.#ledger.record(serialNumber, certificate, event);
    this.recorded.push({ serialNumber, certificate });
  }

  async find(serialNumber: string): Promise<LedgerEntry | undefined> {
    this.#mayFail('find');
    return this.#ledger.find(serialNumber);
  }

  async findByKey(keyId: string): Promise<readonly LedgerEntry[]> {
    this.#mayFail('findByKey');
    return this.#ledger.findByKey(keyId);
  }

  async revoke(serialNumber: string, revocation: Revocation, event?: AuditEvent): Promise<void> {
    this.#mayFail('revoke');
    this.#mayFailToAudit(event);
    await this.#ledger.revoke(serialNumber, revocation, event);
  }

  async release(serialNumber: string, releasedAt: Date, event?: AuditEvent): Promise<void> {
    this.#mayFail('release');
    this.#mayFailToAudit(event);
    await this.#ledger.release(serialNumber, releasedAt, event);
  }

  async beginCrl(thisUpdate: Date): Promise<CompleteCrlContents> {
    this.#mayFail('beginCrl');
    return this.#ledger.beginCrl(thisUpdate);
  }

  async beginDeltaCrl(thisUpdate: Date): Promise<DeltaCrlContents> {
    this.#mayFail('beginDeltaCrl');
    return this.#ledger.beginDeltaCrl(thisUpdate);
  }

  async recordCrl(number: number, event: AuditEvent): Promise<void> {
    this.#mayFail('recordCrl');
    this.#mayFailToAudit(event);
    await this.#ledger.recordCrl(number, event);
  }

  async appendAudit(event: AuditEvent): Promise<AuditRecord> {
    this.#mayFailToAudit(event);
    return this.#ledger.appendAudit(event);
  }

  readAudit(): AsyncIterable<AuditRecord> {
    return this.#ledger.readAudit();
  }

  async close(): Promise<void> {
    await this.#ledger.close();
  }

  #mayFailToAudit(event: AuditEvent | undefined): void {
    if (event === undefined) return;
    this.#mayFail('appendAudit');
    this.#mayFail('appendAudit', event.event);
  }

  #mayFail(method: Method, event = ''): void {
    const error = this.#failing.get(`${method} ${event}`);
    if (error !== undefined) throw error;
  }
}
