import { DerReader } from '@countersign/core/asn1';
import { assertAnswers, assertFits, assertNoReuse, assertOffered, mismatch } from './assert-reply.ts';
import { decryptMessage } from './encryption/decrypt-message.ts';
import { encryptionTypes, type EncryptionType } from './encryption/encryption-type.ts';
import { verifyKdc } from './kdc-trust.ts';
import { parseAsReply, type AsReply } from './kerberos/as-reply.ts';
import { parseEncAsRepPart, type EncAsRepPart } from './kerberos/enc-as-rep-part.ts';
import { findPaData, paDataTypes } from './kerberos/pa-data.ts';
import type { KeyAgreement } from './pkinit/diffie-hellman.ts';
import { parseKdcDhKeyInfo, parsePaPkAsRep, type DhReply } from './pkinit/pa-pk-as-rep.ts';
import { deriveReplyKey } from './pkinit/reply-key.ts';
import { readingReply } from './reading-reply.ts';
import type { SignInRequest } from './sign-in-request.ts';
import type { TicketGrantingTicket } from './ticket-granting-ticket.ts';

/** One request, and what came back. */
export interface AnsweredRequest {
  /** AS-REQ, DER. */
  readonly asRequest: Uint8Array;
  readonly keyAgreement: KeyAgreement;
  /** Not a KRB-ERROR. */
  readonly reply: Uint8Array;
}

/** Key usage of the encrypted part of an AS-REP (RFC 4120 7.5.1). */
const asRepUsage = 3;

/**
 * Takes a reply for what it says once its KDC is proven, and once all of it fits the request.
 * @throws CountersignError `KDC_REPLY_MALFORMED`, `KDC_REPLY_MISMATCH`, `KDC_NOT_TRUSTED`, `CLOCK_SKEW`,
 *   `ALGORITHM_NOT_SUPPORTED`
 */
export function acceptReply(request: SignInRequest, answered: AnsweredRequest): TicketGrantingTicket {
  const at = request.clock();
  const reply = readingReply(() => parseAsReply(answered.reply));
  assertAnswers(request, reply);
  const paPkAsRep = findPaPkAsRep(reply);
  const dhReply = readingReply(() => parsePaPkAsRep(paPkAsRep));
  const kdcCertificate = verifyKdc(dhReply.signedData, request.realm, request.kdcTrust, at);
  const encryptionType = assertOffered(request, reply.encrypted.encryptionType);
  const sharedSecret = sharedSecretOf(request, answered, dhReply, at);
  const replyKey = deriveReplyKey(dhReply.keyDerivation, encryptionType, sharedSecret, {
    client: { realm: request.realm, name: request.body.client },
    server: { realm: request.realm, name: request.body.server },
    asRequest: answered.asRequest,
    paPkAsRep,
  });
  sharedSecret.fill(0);
  const part = decryptPart(reply, encryptionType, replyKey);
  assertFits(request, reply, part, at);
  const { flags, authTime, startTime, endTime, renewTill, server } = part;
  return {
    client: reply.client,
    server,
    ticket: reply.ticket.der,
    sessionKey: sessionKeyOf(request, part),
    flags,
    authTime,
    startTime,
    endTime,
    renewTill,
    agreement: {
      kdcCertificate,
      dhGroup: answered.keyAgreement.group,
      keyDerivation: dhReply.keyDerivation,
      encryptionType,
    },
  };
}

function findPaPkAsRep({ paData }: AsReply): Uint8Array {
  const value = readingReply(() =>
    findPaData(paData, paDataTypes.pkAsRep, DerReader.document(new Uint8Array(), 'AS-REP')),
  );
  if (value !== undefined) return value;
  throw mismatch('it is not signed: there is no PA-PK-AS-REP in it');
}

/** The secret that follows from the KDC's signed Diffie-Hellman value (RFC 4556 3.2.4). The caller wipes it. */
function sharedSecretOf(
  request: SignInRequest,
  { keyAgreement }: AnsweredRequest,
  dhReply: DhReply,
  at: Date,
): Uint8Array {
  const keyInfo = readingReply(() => parseKdcDhKeyInfo(dhReply.signedData));
  assertNoReuse(request, dhReply, keyInfo, at);
  return keyAgreement.sharedSecret(keyInfo.publicValue);
}

/** Decrypts what only the KDC and this side can read. Wipes the key. */
function decryptPart({ encrypted }: AsReply, type: EncryptionType, replyKey: Uint8Array): EncAsRepPart {
  try {
    const plaintext = decryptMessage(type, replyKey, asRepUsage, encrypted.ciphertext);
    const part = readingReply(() => parseEncAsRepPart(plaintext));
    plaintext.fill(0);
    return part;
  } finally {
    replyKey.fill(0);
  }
}

function sessionKeyOf(
  request: SignInRequest,
  { sessionKey }: EncAsRepPart,
): TicketGrantingTicket['sessionKey'] {
  const encryptionType = assertOffered(request, sessionKey.encryptionType);
  const { keyBytes } = encryptionTypes[encryptionType];
  if (sessionKey.value.length === keyBytes) return { encryptionType, value: sessionKey.value };
  throw mismatch(`the session key has ${sessionKey.value.length} octets; ${encryptionType} has ${keyBytes}`);
}
