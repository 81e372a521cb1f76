import type { Database } from 'better-sqlite3';

/** Marks the file as a Countersign ledger (SQLite header, offset 68): "CSLG". */
export const applicationId = 0x43_53_4c_47;

/**
 * Forward migrations. The one at index n leads from schema version n to n + 1 and is never edited after a release:
 * a change of the schema is a new entry at the end.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE reservation (
    serial_number       TEXT    NOT NULL PRIMARY KEY
      CHECK (length(serial_number) BETWEEN 2 AND 40 AND length(serial_number) % 2 = 0
             AND serial_number NOT GLOB '*[^0-9a-f]*'),
    profile             TEXT    NOT NULL,
    subject             TEXT    NOT NULL,
    agent_serial_number TEXT,
    request_digest      TEXT    NOT NULL UNIQUE
      CHECK (length(request_digest) = 64 AND request_digest NOT GLOB '*[^0-9a-f]*'),
    key_id              TEXT    NOT NULL
      CHECK (length(key_id) = 64 AND key_id NOT GLOB '*[^0-9a-f]*'),
    key_owner           TEXT    NOT NULL CHECK (key_owner <> ''),
    tbs_certificate     BLOB    NOT NULL CHECK (length(tbs_certificate) > 0),
    not_after_ms        INTEGER NOT NULL,
    reserved_at_ms      INTEGER NOT NULL
  ) STRICT;

  CREATE INDEX reservation_of_key ON reservation (key_id);

  CREATE TABLE certificate (
    serial_number TEXT NOT NULL PRIMARY KEY REFERENCES reservation (serial_number),
    certificate   BLOB NOT NULL CHECK (length(certificate) > 0)
  ) STRICT;

  -- A row for each change of status; the last one of a serial number tells how it stands. position keeps their order,
  -- which revoked_at_ms (a clock) does not. The reason 'removeFromCRL' ends a hold.
  CREATE TABLE revocation (
    position      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    serial_number TEXT    NOT NULL REFERENCES reservation (serial_number),
    reason        TEXT    NOT NULL CHECK (reason <> ''),
    revoked_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX revocation_of_serial ON revocation (serial_number, position);
  CREATE VIEW revocation_status AS
    SELECT serial_number, reason, revoked_at_ms, max(position) AS position FROM revocation GROUP BY serial_number;

  -- A row for each CRL that was begun. last_position: the last change of status that it takes into account.
  CREATE TABLE crl (
    number         INTEGER NOT NULL PRIMARY KEY CHECK (number >= 1),
    is_complete    INTEGER NOT NULL CHECK (is_complete IN (0, 1)),
    this_update_ms INTEGER NOT NULL,
    last_position  INTEGER NOT NULL CHECK (last_position >= 0)
  ) STRICT;

  -- A row for each CRL that was signed.
  CREATE TABLE signed_crl (
    number INTEGER NOT NULL PRIMARY KEY REFERENCES crl (number)
  ) STRICT;

  -- details: JSON array of [key, value] pairs, because their order is part of the hash.
  CREATE TABLE audit (
    number  INTEGER NOT NULL PRIMARY KEY CHECK (number >= 1),
    at_ms   INTEGER NOT NULL,
    event   TEXT    NOT NULL,
    details TEXT    NOT NULL CHECK (json_valid(details)),
    hash    TEXT    NOT NULL CHECK (length(hash) = 64 AND hash NOT GLOB '*[^0-9a-f]*')
  ) STRICT;

  -- What is written stays. The triggers on INSERT stop INSERT OR REPLACE, which fires no trigger on DELETE.
  CREATE TRIGGER reservation_kept_on_insert BEFORE INSERT ON reservation
    WHEN EXISTS (SELECT 1 FROM reservation
                 WHERE serial_number = NEW.serial_number OR request_digest = NEW.request_digest)
    BEGIN SELECT RAISE(ABORT, 'a reservation is never replaced'); END;
  CREATE TRIGGER reservation_of_one_owner BEFORE INSERT ON reservation
    WHEN EXISTS (SELECT 1 FROM reservation WHERE key_id = NEW.key_id AND key_owner <> NEW.key_owner)
    BEGIN SELECT RAISE(ABORT, 'a key has one owner'); END;
  CREATE TRIGGER reservation_kept_on_update BEFORE UPDATE ON reservation
    BEGIN SELECT RAISE(ABORT, 'a reservation is never changed'); END;
  CREATE TRIGGER reservation_kept_on_delete BEFORE DELETE ON reservation
    BEGIN SELECT RAISE(ABORT, 'a reservation is never removed'); END;

  CREATE TRIGGER certificate_kept_on_insert BEFORE INSERT ON certificate
    WHEN EXISTS (SELECT 1 FROM certificate WHERE serial_number = NEW.serial_number)
    BEGIN SELECT RAISE(ABORT, 'a recorded certificate is never replaced'); END;
  CREATE TRIGGER certificate_kept_on_update BEFORE UPDATE ON certificate
    BEGIN SELECT RAISE(ABORT, 'a recorded certificate is never changed'); END;
  CREATE TRIGGER certificate_kept_on_delete BEFORE DELETE ON certificate
    BEGIN SELECT RAISE(ABORT, 'a recorded certificate is never removed'); END;

  CREATE TRIGGER revocation_kept_on_insert BEFORE INSERT ON revocation
    WHEN EXISTS (SELECT 1 FROM revocation WHERE position = NEW.position)
    BEGIN SELECT RAISE(ABORT, 'a revocation is never replaced'); END;
  CREATE TRIGGER revocation_is_final BEFORE INSERT ON revocation
    WHEN EXISTS (SELECT 1 FROM revocation_status WHERE serial_number = NEW.serial_number
                 AND (reason NOT IN ('certificateHold', 'removeFromCRL') OR reason = NEW.reason))
    BEGIN SELECT RAISE(ABORT, 'a revocation is never undone, a hold never doubled'); END;
  CREATE TRIGGER revocation_is_released_from_hold BEFORE INSERT ON revocation
    WHEN NEW.reason = 'removeFromCRL' AND NOT EXISTS (SELECT 1 FROM revocation_status
                 WHERE serial_number = NEW.serial_number AND reason = 'certificateHold')
    BEGIN SELECT RAISE(ABORT, 'what is not on hold is never released'); END;
  CREATE TRIGGER revocation_kept_on_update BEFORE UPDATE ON revocation
    BEGIN SELECT RAISE(ABORT, 'a revocation is never changed'); END;
  CREATE TRIGGER revocation_kept_on_delete BEFORE DELETE ON revocation
    BEGIN SELECT RAISE(ABORT, 'a revocation is never removed'); END;

  CREATE TRIGGER crl_numbers_rise BEFORE INSERT ON crl
    WHEN NEW.number <= (SELECT coalesce(max(number), 0) FROM crl)
    BEGIN SELECT RAISE(ABORT, 'a CRL number is greater than any before it'); END;
  CREATE TRIGGER crl_kept_on_update BEFORE UPDATE ON crl
    BEGIN SELECT RAISE(ABORT, 'a CRL number is never changed'); END;
  CREATE TRIGGER crl_kept_on_delete BEFORE DELETE ON crl
    BEGIN SELECT RAISE(ABORT, 'a CRL number is never removed'); END;

  CREATE TRIGGER signed_crl_kept_on_insert BEFORE INSERT ON signed_crl
    WHEN EXISTS (SELECT 1 FROM signed_crl WHERE number = NEW.number)
    BEGIN SELECT RAISE(ABORT, 'a CRL is signed once'); END;
  CREATE TRIGGER signed_crl_kept_on_update BEFORE UPDATE ON signed_crl
    BEGIN SELECT RAISE(ABORT, 'a signed CRL is never changed'); END;
  CREATE TRIGGER signed_crl_kept_on_delete BEFORE DELETE ON signed_crl
    BEGIN SELECT RAISE(ABORT, 'a signed CRL is never removed'); END;

  CREATE TRIGGER audit_has_no_gap BEFORE INSERT ON audit
    WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM audit)
    BEGIN SELECT RAISE(ABORT, 'an audit record takes the next number'); END;
  CREATE TRIGGER audit_kept_on_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'an audit record is never changed'); END;
  CREATE TRIGGER audit_kept_on_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'an audit record is never removed'); END;
  `,
];

export const schemaVersion = migrations.length;

/** Leads the schema from `version` to `schemaVersion`. The caller holds a write transaction. */
export function migrateFrom(version: number, database: Database): void {
  for (const migration of migrations.slice(version)) {
    database.exec(migration);
  }
  database.pragma(`application_id = ${applicationId}`);
  database.pragma(`user_version = ${schemaVersion}`);
}
