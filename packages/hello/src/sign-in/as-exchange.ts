import { CountersignError } from '@countersign/core';
import { DerReader } from '@countersign/core/asn1';
import { acceptReply } from './accept-reply.ts';
import { exchangeWithKdc } from './kdc-connection.ts';
import { encodeAsRequest } from './kerberos/as-request.ts';
import { kdcRefusal, kerberosErrors } from './kerberos/kdc-refusal.ts';
import { isKerberosError, parseKerberosError, type KerberosError } from './kerberos/kerberos-error.ts';
import { findPaData, paDataTypes, readErrorData, type PaData } from './kerberos/pa-data.ts';
import { dhGroups, KeyAgreement, readDhParameters, type DhGroup } from './pkinit/diffie-hellman.ts';
import { createPaPkAsReq } from './pkinit/pa-pk-as-req.ts';
import { readingReply } from './reading-reply.ts';
import { signInRefusal } from './sign-in-refusal.ts';
import type { SignInRequest } from './sign-in-request.ts';
import type { TicketGrantingTicket } from './ticket-granting-ticket.ts';

/** What a KDC asks for before it authenticates. */
interface Invitation {
  readonly freshnessToken: Uint8Array | undefined;
  /** Given back as they came (RFC 6113 5.2). */
  readonly cookies: readonly PaData[];
}

/** Asks what the KDC wants, then asks for the ticket: signed, and again in the group that the KDC insists on. */
export async function runAsExchange(request: SignInRequest): Promise<TicketGrantingTicket> {
  const invitation = await askForInvitation(request);
  const tried: DhGroup[] = [];
  for (let group: DhGroup = dhGroups[0]; ;) {
    tried.push(group);
    const keyAgreement = new KeyAgreement(group);
    const asRequest = await signedRequest(request, invitation, keyAgreement);
    const reply = await exchangeWithKdc(request.kdc, asRequest, request.timeoutMs);
    if (!isKerberosError(reply)) return acceptReply(request, { asRequest, keyAgreement, reply });
    const error = readingReply(() => parseKerberosError(reply));
    const next = groupInstead(error).find((other) => !tried.includes(other));
    if (next === undefined) throw signInRefusal(error, request);
    group = next;
  }
}

/**
 * The first request carries no proof (RFC 8070 2: an empty PA-AS-FRESHNESS asks for a token). A KDC that gives a ticket
 * right away has sealed it with a password; it is asked again, with the proof.
 */
async function askForInvitation(request: SignInRequest): Promise<Invitation> {
  const { encodedBody, kdc, realm, timeoutMs, clock } = request;
  const question = encodeAsRequest(encodedBody, [{ type: paDataTypes.asFreshness, value: new Uint8Array() }]);
  const reply = await exchangeWithKdc(kdc, question, timeoutMs);
  if (!isKerberosError(reply)) return { freshnessToken: undefined, cookies: [] };
  const error = readingReply(() => parseKerberosError(reply));
  if (error.code !== kerberosErrors.preauthRequired) throw kdcRefusal(error, realm, clock());
  return readingReply(() => readInvitation(error, realm));
}

function readInvitation({ data }: KerberosError, realm: string): Invitation {
  const reader = DerReader.document(data ?? new Uint8Array(), 'METHOD-DATA');
  const methods = readErrorData(reader);
  reader.end();
  if (!methods.some(({ type }) => type === paDataTypes.pkAsReq)) throw notInvited(realm);
  return {
    freshnessToken: findPaData(methods, paDataTypes.asFreshness, reader),
    cookies: methods.filter(({ type }) => type === paDataTypes.fxCookie),
  };
}

async function signedRequest(
  { encodedBody, body, signer, clock }: SignInRequest,
  { freshnessToken, cookies }: Invitation,
  keyAgreement: KeyAgreement,
): Promise<Uint8Array> {
  const paPkAsReq = await createPaPkAsReq(signer, {
    requestBody: encodedBody,
    at: clock(),
    nonce: body.nonce,
    keyAgreement,
    freshnessToken,
  });
  return encodeAsRequest(encodedBody, [...cookies, { type: paDataTypes.pkAsReq, value: paPkAsReq }]);
}

/** The groups that the KDC would rather have (RFC 4556 3.2.2), of those that are known here. */
function groupInstead({ code, data }: KerberosError): DhGroup[] {
  if (code !== kerberosErrors.dhKeyParametersNotAccepted || data === undefined) return [];
  return readingReply(() => {
    const reader = DerReader.document(data, 'TYPED-DATA');
    const parameters = findPaData(readErrorData(reader), paDataTypes.tdDhParameters, reader);
    reader.end();
    return parameters === undefined ? [] : readDhParameters(parameters);
  });
}

function notInvited(realm: string): CountersignError {
  return new CountersignError(
    'KDC_REFUSED',
    `the KDC of ${realm} does not offer sign-in with a certificate to this user`,
    'Give the KDC a certificate, and the CAs of the users to trust (MIT: pkinit_identity, pkinit_anchors).',
  );
}
