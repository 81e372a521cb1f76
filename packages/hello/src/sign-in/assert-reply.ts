import { CountersignError } from '@countersign/core';
import { encryptionTypeOf, type EncryptionType } from './encryption/encryption-type.ts';
import type { AsReply } from './kerberos/as-reply.ts';
import type { EncAsRepPart } from './kerberos/enc-as-rep-part.ts';
import { formatPrincipal, isSameName, nameTypes, type Principal } from './kerberos/principal-name.ts';
import type { DhReply, KdcDhKeyInfo } from './pkinit/pa-pk-as-rep.ts';
import type { SignInRequest } from './sign-in-request.ts';

/**
 * What the outside of the reply says must be what was asked for (RFC 4120 3.1.5): the realm, the user (but a KDC may
 * answer a user principal name with the name behind it, RFC 6806 5), and the ticket-granting service.
 */
export function assertAnswers({ realm, body }: SignInRequest, { client, ticket }: AsReply): void {
  const isAnyName = body.client.nameType === nameTypes.enterprise;
  const expected: Principal = { realm, name: isAnyName ? client.name : body.client };
  assertSame(client, expected, 'the user');
  assertSame(ticket.server, { realm, name: body.server }, 'the service of the ticket');
}

/** The encryption type with this number, which must have been offered. */
export function assertOffered({ encryptionTypes }: SignInRequest, number: number): EncryptionType {
  const type = encryptionTypeOf(number);
  if (type !== undefined && encryptionTypes.includes(type)) return type;
  throw mismatch(`it uses encryption type ${number}; offered were ${encryptionTypes.join(', ')}`);
}

/**
 * RFC 4556 3.2.3.1, 3.2.4: the signed value is for this request, which its nonce proves. As no nonce for using a key
 * again was sent, the KDC must not have done so.
 */
export function assertNoReuse(
  { body }: SignInRequest,
  { hasServerDhNonce }: DhReply,
  { nonce, expiration }: KdcDhKeyInfo,
  at: Date,
): void {
  if (nonce !== body.nonce) throw mismatch('the signed nonce is not the one that was sent');
  if (hasServerDhNonce) throw mismatch('the KDC uses a Diffie-Hellman key again, which it was not asked to');
  if (expiration !== undefined && expiration < at) {
    throw mismatch(`the Diffie-Hellman key of the KDC expired at ${expiration.toISOString()}`);
  }
}

/** What the KDC says under the reply key must fit the request (RFC 4120 3.1.5). */
export function assertFits(request: SignInRequest, { ticket }: AsReply, part: EncAsRepPart, at: Date): void {
  if (part.nonce !== request.body.nonce) throw mismatch('the encrypted nonce is not the one that was sent');
  assertSame(part.server, ticket.server, 'the service under the reply key');
  assertTimes(request, part, at);
}

function assertTimes({ body, maxClockSkewMs }: SignInRequest, part: EncAsRepPart, at: Date): void {
  const { authTime, startTime, endTime, renewTill } = part;
  if (Math.abs(authTime.getTime() - at.getTime()) > maxClockSkewMs) {
    throw new CountersignError(
      'CLOCK_SKEW',
      `the KDC authenticated the user at ${authTime.toISOString()} by its clock; it is ${at.toISOString()} here`,
      'Set both clocks by the same time server.',
    );
  }
  if (startTime.getTime() > at.getTime() + maxClockSkewMs) {
    throw mismatch(`the ticket is valid from ${startTime.toISOString()} only; it was asked for now`);
  }
  if (endTime <= startTime || endTime <= at) {
    throw mismatch(`the ticket ended at ${endTime.toISOString()} already`);
  }
  if (endTime > body.till)
    throw mismatch(`the ticket lasts until ${endTime.toISOString()}, longer than asked for`);
  if (renewTill !== undefined && (body.renewTill === undefined || renewTill > body.renewTill)) {
    throw mismatch(`the ticket is renewable until ${renewTill.toISOString()}, longer than asked for`);
  }
}

function assertSame(found: Principal, expected: Principal, what: string): void {
  if (found.realm === expected.realm && isSameName(found.name, expected.name)) return;
  throw mismatch(`${what} is ${formatPrincipal(found)}; asked for was ${formatPrincipal(expected)}`);
}

export function mismatch(found: string): CountersignError {
  return new CountersignError(
    'KDC_REPLY_MISMATCH',
    `the reply does not answer the request: ${found}`,
    'Check that nothing alters replies on their way, and look into the log of the KDC.',
  );
}
