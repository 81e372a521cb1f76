import type { RevocationReason } from '../x509/revocation-reason.ts';

/**
 * The CA's durable record. Whatever a method resolved with has reached stable storage. No method relies on being
 * the only process: uniqueness (serial, request) and order (audit, CRL numbers) are guaranteed by the store itself.
 * Failures of the store are `LEDGER_UNAVAILABLE`, broken guarantees `LEDGER_CONFLICT`.
 */
export interface Ledger {
  /**
   * Reserves a serial number for a certificate about to be signed, and with it the request that it answers.
   * `LEDGER_CONFLICT` if the serial was ever used, `REQUEST_REPLAYED` if the request already led to a certificate or
   * is about to, `KEY_CERTIFIED_FOR_ANOTHER` if a serial was reserved before for the same key and another owner.
   */
  reserve(reservation: SerialReservation): Promise<void>;
  /**
   * Records what was signed under a reserved serial. Only then may the certificate leave the CA.
   * @param event appended to the audit in the same transaction: there is the one with the other, or neither
   */
  record(serialNumber: string, certificate: Uint8Array, event?: AuditEvent): Promise<void>;
  find(serialNumber: string): Promise<LedgerEntry | undefined>;
  /** All that was reserved for a key, in no order. @param keyId SHA-256 of the SubjectPublicKeyInfo, lower-case hex */
  findByKey(keyId: string): Promise<readonly LedgerEntry[]>;
  /**
   * `REVOCATION_NOT_POSSIBLE` if the serial is unknown or already revoked; what is on hold may be revoked for another
   * reason.
   * @param event as with `record`
   */
  revoke(serialNumber: string, revocation: Revocation, event?: AuditEvent): Promise<void>;
  /**
   * Ends a `certificateHold` (RFC 5280 5.3.1): the certificate is good again. `REVOCATION_NOT_POSSIBLE` if it is not on
   * hold.
   * @param event as with `record`
   */
  release(serialNumber: string, releasedAt: Date, event?: AuditEvent): Promise<void>;
  /**
   * Begins a complete CRL: takes its number, greater than any before it (RFC 5280 5.2.3), and in the same instant what
   * stands on it: everything revoked whose notAfter the complete CRL before this one had not passed yet, so that each
   * entry outlives its certificate by one list (RFC 5280 3.3). In order of revocation. "Before this one" is the last that
   * was recorded: a CRL that was begun and never signed counts for nothing but its number.
   */
  beginCrl(thisUpdate: Date): Promise<CompleteCrlContents>;
  /**
   * Begins a delta CRL against the last complete one that was recorded, with a number from the same sequence: what was
   * revoked or released since. `CRL_BASE_MISSING` if there was no complete one.
   */
  beginDeltaCrl(thisUpdate: Date): Promise<DeltaCrlContents>;
  /**
   * Records that the CRL with this number was signed. Only then may it leave the CA, and deltas count from it if it is a
   * complete one. `LEDGER_CONFLICT` unless the number was begun and is not recorded yet.
   * @param event as with `record`
   */
  recordCrl(number: number, event: AuditEvent): Promise<void>;
  /** Appends one event; number, time and hash chain are the store's duty. */
  appendAudit(event: AuditEvent): Promise<AuditRecord>;
  /** All records in order of their numbers. */
  readAudit(): AsyncIterable<AuditRecord>;
  close(): Promise<void>;
}

export interface SerialReservation {
  /** Lower-case hex of the serial's INTEGER contents. */
  readonly serialNumber: string;
  readonly profile: string;
  /** The user (`DOMAIN\account`) or service that the certificate is for. */
  readonly subject: string;
  /** The agent's certificate serial, or `undefined` where an operator approved. */
  readonly agentSerialNumber: string | undefined;
  /**
   * The key of replay protection, SHA-256 in lower-case hex: of a countersigned request what its agent alone could have
   * made, of a plain one the whole.
   */
  readonly requestDigest: string;
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
  readonly keyId: string;
  /** Whose key it is, for good: the user's SID, or the name of the service. Two owners never share a key. */
  readonly keyOwner: string;
  /** The bytes that are about to be signed (TBSCertificate, DER). */
  readonly tbsCertificate: Uint8Array;
  readonly notAfter: Date;
  readonly reservedAt: Date;
}

export interface LedgerEntry extends SerialReservation {
  /** DER, or undefined while the reservation has not led to a recorded certificate. */
  readonly certificate: Uint8Array | undefined;
  readonly revocation: Revocation | undefined;
}

export interface Revocation {
  readonly reason: RevocationReason;
  readonly revokedAt: Date;
}

export interface RevokedEntry extends Revocation {
  readonly serialNumber: string;
}

export interface ReleasedEntry {
  readonly serialNumber: string;
  readonly releasedAt: Date;
}

export interface CompleteCrlContents {
  readonly number: number;
  readonly revoked: readonly RevokedEntry[];
}

export interface DeltaCrlContents extends CompleteCrlContents {
  /** The number of the complete CRL that the changes are counted from. */
  readonly baseNumber: number;
  readonly released: readonly ReleasedEntry[];
}

export interface AuditEvent {
  readonly at: Date;
  /** What happened, such as `certificate-issued` or `request-refused`. */
  readonly event: string;
  /** Facts of the event. Never a secret. Keys in the order to be kept. */
  readonly details: Readonly<Record<string, string>>;
}

export interface AuditRecord extends AuditEvent {
  /** 1, 2, 3 … without a gap. */
  readonly number: number;
  /** SHA-256 over the record's canonical form, which begins with the hash before it; lower-case hex. */
  readonly hash: string;
}
