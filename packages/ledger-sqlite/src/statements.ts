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
      tbsCertificate: Uint8Array,
      notAfterMs: number,
      reservedAtMs: number,
    ]
  >;
  readonly insertCertificate: Statement<[serialNumber: string, certificate: Uint8Array]>;
  readonly insertRevocation: Statement<[serialNumber: string, reason: string, revokedAtMs: number]>;
  readonly revokedAt: Statement<[atMs: number]>;
  readonly nextCrlNumber: Statement<[]>;
  readonly lastAudit: Statement<[]>;
  readonly insertAudit: Statement<
    [number: number, atMs: number, event: string, details: string, hash: string]
  >;
  readonly auditAfter: Statement<[number: number, count: number]>;
}

export function prepareStatements(database: Database): Statements {
  return {
    requestByDigest: database.prepare('SELECT 1 FROM reservation WHERE request_digest = ?'),
    entry: database.prepare(`
      SELECT serial_number, profile, subject, agent_serial_number, request_digest, tbs_certificate,
             not_after_ms, reserved_at_ms, certificate, reason, revoked_at_ms
      FROM reservation
      LEFT JOIN certificate USING (serial_number)
      LEFT JOIN (SELECT * FROM revocation_status WHERE reason <> 'removeFromCRL') USING (serial_number)
      WHERE serial_number = ?`),
    insertReservation: database.prepare(`
      INSERT INTO reservation (serial_number, profile, subject, agent_serial_number, request_digest,
                               tbs_certificate, not_after_ms, reserved_at_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`),
    insertCertificate: database.prepare('INSERT INTO certificate (serial_number, certificate) VALUES (?, ?)'),
    insertRevocation: database.prepare(
      'INSERT INTO revocation (serial_number, reason, revoked_at_ms) VALUES (?, ?, ?)',
    ),
    revokedAt: database.prepare(`
      SELECT serial_number, reason, revoked_at_ms
      FROM revocation_status JOIN reservation USING (serial_number)
      WHERE reason <> 'removeFromCRL' AND not_after_ms > ?
      ORDER BY position`),
    nextCrlNumber: database.prepare(
      'UPDATE crl_counter SET last_number = last_number + 1 WHERE only_row = 1 RETURNING last_number',
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
