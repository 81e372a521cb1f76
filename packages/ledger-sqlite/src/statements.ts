import type { Database, Statement } from 'better-sqlite3';

/** Every statement of the ledger, prepared once for one connection. Parameters stand in the order of the columns. */
export interface Statements {
  readonly requestByDigest: Statement<[requestDigest: string]>;
  readonly entry: Statement<[serialNumber: string]>;
  readonly insertReservation: Statement<
    [
      serialNumber: string,
      profile: string,
      subject: string,
      agentSerialNumber: string | null,
      requestDigest: string,
      keyId: string,
      keyOwner: string,
      tbsCertificate: Uint8Array,
      notAfterMs: number,
      reservedAtMs: number,
    ]
  >;
  readonly entriesOfKey: Statement<[keyId: string]>;
  readonly insertCertificate: Statement<[serialNumber: string, certificate: Uint8Array]>;
  readonly insertRevocation: Statement<[serialNumber: string, reason: string, revokedAtMs: number]>;
  readonly otherOwner: Statement<[keyId: string, keyOwner: string]>;
  readonly revokedUntil: Statement<[notAfterMs: number]>;
  readonly changedSince: Statement<[position: number]>;
  readonly crlState: Statement<[]>;
  readonly lastCompleteCrl: Statement<[]>;
  readonly insertCrl: Statement<
    [number: number, isComplete: number, thisUpdateMs: number, lastPosition: number]
  >;
  readonly unsignedCrl: Statement<[number: number]>;
  readonly insertSignedCrl: Statement<[number: number]>;
  readonly lastAudit: Statement<[]>;
  readonly insertAudit: Statement<
    [number: number, atMs: number, event: string, details: string, hash: string]
  >;
  readonly auditAfter: Statement<[number: number, count: number]>;
}

const selectEntry = `
  SELECT serial_number, profile, subject, agent_serial_number, request_digest, key_id, key_owner,
         tbs_certificate, not_after_ms, reserved_at_ms, certificate, reason, revoked_at_ms
  FROM reservation
  LEFT JOIN certificate USING (serial_number)
  LEFT JOIN (SELECT * FROM revocation_status WHERE reason <> 'removeFromCRL') USING (serial_number)`;

export function prepareStatements(database: Database): Statements {
  return {
    requestByDigest: database.prepare('SELECT 1 FROM reservation WHERE request_digest = ?'),
    entry: database.prepare(`${selectEntry} WHERE serial_number = ?`),
    entriesOfKey: database.prepare(`${selectEntry} WHERE key_id = ?`),
    insertReservation: database.prepare(`
      INSERT INTO reservation (serial_number, profile, subject, agent_serial_number, request_digest,
                               key_id, key_owner, tbs_certificate, not_after_ms, reserved_at_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    insertCertificate: database.prepare('INSERT INTO certificate (serial_number, certificate) VALUES (?, ?)'),
    insertRevocation: database.prepare(
      'INSERT INTO revocation (serial_number, reason, revoked_at_ms) VALUES (?, ?, ?)',
    ),
    otherOwner: database.prepare(
      'SELECT key_owner FROM reservation WHERE key_id = ? AND key_owner <> ? LIMIT 1',
    ),
    revokedUntil: database.prepare(`
      SELECT serial_number, reason, revoked_at_ms
      FROM revocation_status JOIN reservation USING (serial_number)
      WHERE reason <> 'removeFromCRL' AND not_after_ms > ?
      ORDER BY position`),
    changedSince: database.prepare(`
      SELECT serial_number, reason, revoked_at_ms FROM revocation_status WHERE position > ? ORDER BY position`),
    crlState: database.prepare(`
      SELECT (SELECT coalesce(max(number), 0) FROM crl) AS last_number,
             (SELECT coalesce(max(position), 0) FROM revocation) AS last_position`),
    lastCompleteCrl: database.prepare(`
      SELECT number, this_update_ms, last_position FROM crl JOIN signed_crl USING (number)
      WHERE is_complete = 1 ORDER BY number DESC LIMIT 1`),
    unsignedCrl: database.prepare(
      'SELECT 1 FROM crl WHERE number = ? AND number NOT IN (SELECT number FROM signed_crl)',
    ),
    insertSignedCrl: database.prepare('INSERT INTO signed_crl (number) VALUES (?)'),
    insertCrl: database.prepare(
      'INSERT INTO crl (number, is_complete, this_update_ms, last_position) VALUES (?, ?, ?, ?)',
    ),
    lastAudit: database.prepare(
      'SELECT number, at_ms, event, details, hash FROM audit ORDER BY number DESC LIMIT 1',
    ),
    insertAudit: database.prepare(
      'INSERT INTO audit (number, at_ms, event, details, hash) VALUES (?, ?, ?, ?, ?)',
    ),
    auditAfter: database.prepare(
      'SELECT number, at_ms, event, details, hash FROM audit WHERE number > ? ORDER BY number LIMIT ?',
    ),
  };
}
