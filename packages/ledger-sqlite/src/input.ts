import {
  type AuditEvent,
  CountersignError,
  isRevocationReason,
  type Revocation,
  type SerialReservation,
} from '@countersign/core';

/** What may enter the ledger: whatever passes here comes out again as it went in. All throw `VALUE_OUT_OF_RANGE`. */

export function requireReservation(reservation: SerialReservation): void {
  const { serialNumber, requestDigest, agentSerialNumber } = reservation;
  requireSerialNumber(serialNumber);
  if (!/^[0-9a-f]{64}$/u.test(requestDigest)) {
    throw outOfRange(
      'the request digest',
      JSON.stringify(requestDigest),
      'a SHA-256 of 64 lower-case hex digits',
    );
  }
  if (!/^[0-9a-f]{64}$/u.test(reservation.keyId)) {
    throw outOfRange(
      'the key id',
      JSON.stringify(reservation.keyId),
      'a SHA-256 of 64 lower-case hex digits',
    );
  }
  requireText('the owner of the key', reservation.keyOwner);
  requireText('the profile', reservation.profile);
  requireText('the subject', reservation.subject);
  if (agentSerialNumber !== undefined) {
    requireText("the agent's serial number", agentSerialNumber);
  }
  requireBytes('the TBSCertificate', reservation.tbsCertificate);
  requireDate('notAfter', reservation.notAfter);
  requireDate('reservedAt', reservation.reservedAt);
}

export function requireBytes(name: string, bytes: Uint8Array): void {
  if (bytes.length === 0) {
    throw outOfRange(name, 'empty', 'DER');
  }
}

export function requireRevocation(revocation: Revocation): void {
  if (!isRevocationReason(revocation.reason)) {
    throw outOfRange('the reason', JSON.stringify(revocation.reason), 'a CRLReason (RFC 5280 5.3.1)');
  }
  requireDate('revokedAt', revocation.revokedAt);
}

export function requireAuditEvent({ at, event, details }: AuditEvent): void {
  requireDate("the event's time", at);
  requireText('the event', event);
  for (const [key, value] of Object.entries<unknown>(details)) {
    if (typeof value !== 'string') {
      throw outOfRange(`the detail ${JSON.stringify(key)}`, typeof value, 'a string');
    }
  }
}

export function requireDate(name: string, date: Date): void {
  if (Number.isNaN(date.getTime())) {
    throw outOfRange(name, 'not a valid date', 'one');
  }
}

/**
 * A positive number of at most 20 octets (RFC 5280 4.1.2.2) in its one DER form: two spellings of one number would
 * pass the UNIQUE constraint.
 */
function requireSerialNumber(serialNumber: string): void {
  const isHex = /^(?:[0-9a-f]{2}){1,20}$/u.test(serialNumber);
  if (!isHex || !/^(?:[0-7]|00[89a-f])/u.test(serialNumber) || /^00(?:$|[0-7])/u.test(serialNumber)) {
    throw outOfRange(
      'the serial number',
      JSON.stringify(serialNumber),
      'a positive INTEGER of at most 20 octets in lower-case hex, without superfluous zeros in front',
    );
  }
}

/** SQLite stores UTF-8, in which a lone surrogate would not come back. */
function requireText(name: string, text: string): void {
  if (text.length === 0 || !text.isWellFormed()) {
    throw outOfRange(name, JSON.stringify(text), 'text that is not empty and has no lone surrogates');
  }
}

function outOfRange(name: string, found: string, expected: string): CountersignError {
  return new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `${name} is ${found}, expected ${expected}`,
    'Nothing was written. Correct the value and try again.',
  );
}
