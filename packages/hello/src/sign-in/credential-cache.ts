import { writeFileAtomic } from '@countersign/state';
import { encryptionTypes } from './encryption/encryption-type.ts';
import { formatPrincipal, type Principal } from './kerberos/principal-name.ts';
import { paDataTypes } from './kerberos/pa-data.ts';
import type { TicketGrantingTicket } from './ticket-granting-ticket.ts';

/**
 * Writes a credential cache that holds this ticket alone, for `KRB5CCNAME=FILE:path`: what was there before is replaced
 * as a whole. The file has mode 0600, for whoever reads it is the user until the ticket ends.
 * @throws CountersignError `FILE_UNWRITABLE`; the old file is then as it was
 */
export async function writeCredentialCache(path: string, ticket: TicketGrantingTicket): Promise<void> {
  const contents = encodeCredentialCache(ticket);
  try {
    await writeFileAtomic(path, contents, { mode: 0o600 });
  } finally {
    contents.fill(0);
  }
}

/** A credential cache as MIT Kerberos writes it (file format version 4: all numbers big-endian). A secret. */
export function encodeCredentialCache(ticket: TicketGrantingTicket): Uint8Array {
  // 0x0504, and a header without fields: the clocks were compared, there is no difference to note.
  return Buffer.concat([
    uint16(0x0504),
    uint16(0),
    principal(ticket.client),
    configuration(ticket, 'pa_type', String(paDataTypes.pkAsReq)),
    credential(ticket),
  ]);
}

function credential({ client, server, sessionKey, ...rest }: TicketGrantingTicket): Uint8Array {
  return Buffer.concat([
    principal(client),
    principal(server),
    uint16(encryptionTypes[sessionKey.encryptionType].number),
    data(sessionKey.value),
    time(rest.authTime),
    time(rest.startTime),
    time(rest.endTime),
    rest.renewTill === undefined ? uint32(0) : time(rest.renewTill),
    notASessionKeyOfTheUser,
    uint32(rest.flags),
    noAddresses,
    noAuthorizationData,
    data(rest.ticket),
    noSecondTicket,
  ]);
}

/**
 * What MIT Kerberos remembers beside tickets, in the form of one: a service of the realm X-CACHECONF: whose ticket is the
 * value. `pa_type` says how the ticket was got.
 */
function configuration({ client, server }: TicketGrantingTicket, key: string, value: string): Uint8Array {
  const name = {
    realm: 'X-CACHECONF:',
    name: { nameType: 0, components: ['krb5_ccache_conf_data', key, formatPrincipal(server)] },
  };
  const empty = Buffer.alloc(2 + 4 + 4 * 4 + 1 + 4 + 4 + 4);
  return Buffer.concat([principal(client), principal(name), empty, data(Buffer.from(value)), noSecondTicket]);
}

function principal({ realm, name: { nameType, components } }: Principal): Uint8Array {
  return Buffer.concat([
    uint32(nameType),
    uint32(components.length),
    ...[realm, ...components].map((text) => data(Buffer.from(text, 'utf8'))),
  ]);
}

function data(octets: Uint8Array): Uint8Array {
  return Buffer.concat([uint32(octets.length), octets]);
}

/** Seconds since 1970, 32 bits: programs take them for unsigned ones, which last until 2106. */
function time(date: Date): Uint8Array {
  return uint32(Math.floor(date.getTime() / 1000));
}

function uint16(value: number): Uint8Array {
  const octets = Buffer.alloc(2);
  octets.writeUInt16BE(value);
  return octets;
}

function uint32(value: number): Uint8Array {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value >>> 0);
  return octets;
}

const notASessionKeyOfTheUser = Uint8Array.of(0);
const noAddresses = uint32(0);
const noAuthorizationData = uint32(0);
const noSecondTicket = uint32(0);
