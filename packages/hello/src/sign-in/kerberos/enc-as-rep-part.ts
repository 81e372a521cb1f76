import { DerReader } from '@countersign/core/asn1';
import {
  application,
  readField,
  readInt32,
  readKerberosFlags,
  readKerberosString,
  readOptionalField,
  readSequenceOf,
  readUint32,
} from './kerberos-types.ts';
import { readPaDataSequence } from './pa-data.ts';
import { readPrincipalName, type Principal } from './principal-name.ts';

/** EncKDCRepPart (RFC 4120 5.4.2): what the KDC says of the ticket under the reply key. */
export interface EncAsRepPart {
  readonly sessionKey: SessionKey;
  readonly nonce: number;
  /** TicketFlags (RFC 4120 5.3), bit 0 highest. */
  readonly flags: number;
  readonly authTime: Date;
  /** The authentication time, where the KDC leaves it out. */
  readonly startTime: Date;
  readonly endTime: Date;
  readonly renewTill: Date | undefined;
  readonly server: Principal;
}

/** EncryptionKey (RFC 4120 5.2.9). */
export interface SessionKey {
  readonly encryptionType: number;
  readonly value: Uint8Array;
}

/** @throws CountersignError `DER_MALFORMED` */
export function parseEncAsRepPart(der: Uint8Array): EncAsRepPart {
  const document = DerReader.document(der, 'encrypted part of the AS-REP');
  // RFC 4120 5.4.2: some implementations tag it as EncTGSRepPart (26), and clients should take that.
  const wrapped = document.constructed(application(document.at(application(26)) ? 26 : 25));
  document.end();
  const part = wrapped.sequence();
  wrapped.end();
  const sessionKey = readField(part, 0, readSessionKey);
  readField(part, 1, readLastRequests);
  const nonce = readField(part, 2, readUint32);
  readOptionalField(part, 3, (field) => field.generalizedTime());
  const flags = readField(part, 4, readKerberosFlags);
  const authTime = readField(part, 5, (field) => field.generalizedTime());
  const startTime = readOptionalField(part, 6, (field) => field.generalizedTime()) ?? authTime;
  const endTime = readField(part, 7, (field) => field.generalizedTime());
  const renewTill = readOptionalField(part, 8, (field) => field.generalizedTime());
  const realm = readField(part, 9, readKerberosString);
  const name = readField(part, 10, readPrincipalName);
  readOptionalField(part, 11, (field) => field.any());
  readOptionalField(part, 12, readPaDataSequence);
  part.end();
  return {
    sessionKey,
    nonce,
    flags,
    authTime,
    startTime,
    endTime,
    renewTill,
    server: { realm, name },
  };
}

function readSessionKey(reader: DerReader): SessionKey {
  const key = reader.sequence();
  const encryptionType = readField(key, 0, readInt32);
  const value = readField(key, 1, (field) => Uint8Array.from(field.octetString()));
  key.end();
  return { encryptionType, value };
}

/** LastReq: when the user was here before, which no one asks here. */
function readLastRequests(reader: DerReader): void {
  readSequenceOf(reader, (item) => {
    const entry = item.sequence();
    readField(entry, 0, readInt32);
    readField(entry, 1, (field) => field.generalizedTime());
    entry.end();
  });
}
