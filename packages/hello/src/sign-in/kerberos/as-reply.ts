import { DerReader } from '@countersign/core/asn1';
import {
  application,
  readField,
  readInt32,
  readKerberosString,
  readOptionalField,
  readUint32,
} from './kerberos-types.ts';
import { readPaDataSequence, type PaData } from './pa-data.ts';
import { readPrincipalName, type Principal } from './principal-name.ts';

/** AS-REP (RFC 4120 5.4.2), parsed strictly; nothing in it is authentic yet. */
export interface AsReply {
  readonly paData: readonly PaData[];
  readonly client: Principal;
  readonly ticket: Ticket;
  readonly encrypted: EncryptedData;
}

/** Ticket (RFC 4120 5.3), which only the service that it is for can decrypt. */
export interface Ticket {
  readonly der: Uint8Array;
  readonly server: Principal;
}

export interface EncryptedData {
  readonly encryptionType: number;
  readonly ciphertext: Uint8Array;
}

/** @throws CountersignError `DER_MALFORMED` */
export function parseAsReply(der: Uint8Array): AsReply {
  const document = DerReader.document(der, 'AS-REP');
  const wrapped = document.constructed(application(11));
  document.end();
  const reply = wrapped.sequence();
  wrapped.end();
  expectNumber(reply, 0, 5, 'pvno');
  expectNumber(reply, 1, 11, 'msg-type');
  const paData = readOptionalField(reply, 2, readPaDataSequence) ?? [];
  const realm = readField(reply, 3, readKerberosString);
  const name = readField(reply, 4, readPrincipalName);
  const ticket = readField(reply, 5, readTicket);
  const encrypted = readField(reply, 6, readEncryptedData);
  reply.end();
  return { paData, client: { realm, name }, ticket, encrypted };
}

/** Reads `[n]`, which must hold this number. */
export function expectNumber(reader: DerReader, n: number, expected: number, field: string): void {
  const found = readField(reader, n, readInt32);
  if (found !== expected) throw reader.malformed(`${field} is ${found}; expected ${expected}`);
}

function readTicket(reader: DerReader): Ticket {
  const der = reader.any(application(1));
  const wrapped = DerReader.document(der, 'ticket').constructed(application(1));
  const ticket = wrapped.sequence();
  wrapped.end();
  expectNumber(ticket, 0, 5, 'tkt-vno');
  const realm = readField(ticket, 1, readKerberosString);
  const name = readField(ticket, 2, readPrincipalName);
  readField(ticket, 3, readEncryptedData);
  ticket.end();
  return { der: Uint8Array.from(der), server: { realm, name } };
}

function readEncryptedData(reader: DerReader): EncryptedData {
  const data = reader.sequence();
  const encryptionType = readField(data, 0, readInt32);
  readOptionalField(data, 1, readUint32);
  const ciphertext = readField(data, 2, (field) => field.octetString());
  data.end();
  return { encryptionType, ciphertext };
}
