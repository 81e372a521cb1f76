import { createHash } from 'node:crypto';
import { CountersignError } from '@countersign/core';
import { equalInConstantTime } from './auth-value.ts';
import type { CommandLayout } from './command-table.ts';
import type { AuthorizationClaim, SessionClaim } from './compose-command.ts';
import type { ResponseAuthorization, SplitResponse } from './response.ts';
import { echoesAttributes, sessionAttributeBits } from './session-attributes.ts';
import { TpmReader } from './wire/tpm-reader.ts';
import { TpmWriter } from './wire/tpm-writer.ts';

/**
 * Checks what each session says of the response (TPM 2.0 part 1, 18 and 19.6), and only then rolls the nonces.
 * @returns the parameter area, its first parameter decrypted.
 * @throws CountersignError `TPM_RESPONSE_NOT_AUTHENTIC`.
 */
export function authenticateResponse(
  layout: CommandLayout,
  claims: readonly AuthorizationClaim[],
  response: SplitResponse,
): Uint8Array {
  const checked = claims.map((claim, index) => {
    const authorization = response.authorizations[index];
    if (authorization === undefined) throw notAuthentic(layout, `lacks session ${index}`);
    if (claim.kind === 'password') assertPasswordEcho(layout, authorization);
    else assertAuthentic(layout, claim, authorization, response.parameters);
    return { claim, authorization };
  });
  let { parameters } = response;
  for (const { claim, authorization } of checked) {
    if (claim.kind === 'session' && claim.use.encrypt) {
      parameters = decryptFirstParameter(layout, claim, authorization, parameters);
    }
  }
  for (const { claim, authorization } of checked) {
    if (claim.kind === 'session') claim.use.session.roll(authorization.nonceTpm, claim.use);
  }
  return parameters;
}

function assertAuthentic(
  layout: CommandLayout,
  claim: SessionClaim,
  { nonceTpm, attributes, hmac }: ResponseAuthorization,
  parameters: Uint8Array,
): void {
  const { session } = claim.use;
  if (!echoesAttributes(claim.attributes, attributes)) {
    throw notAuthentic(layout, `has the session attributes ${attributes}, ${claim.attributes} were sent`);
  }
  if (nonceTpm.length !== claim.nonceCaller.length) {
    throw notAuthentic(
      layout,
      `has a nonce of ${nonceTpm.length} bytes instead of ${claim.nonceCaller.length}`,
    );
  }
  // rpHash: success, the command, what came back.
  const digest = createHash(session.hash)
    .update(new TpmWriter().u32(0).u32(layout.code).bytes(parameters).finish())
    .digest();
  const message = new TpmWriter()
    .bytes(digest)
    .bytes(nonceTpm)
    .bytes(claim.nonceCaller)
    .u8(attributes)
    .finish();
  const authValue = claim.includesAuthValue ? authValueAfter(claim) : new Uint8Array();
  if (!equalInConstantTime(session.computeHmac(authValue, message), hmac)) {
    throw notAuthentic(layout, 'has a wrong HMAC');
  }
}

/** A password session is answered with nothing but its attributes (TPM 2.0 part 1, 19). */
function assertPasswordEcho(
  layout: CommandLayout,
  { nonceTpm, attributes, hmac }: ResponseAuthorization,
): void {
  if (nonceTpm.length > 0 || hmac.length > 0 || attributes !== sessionAttributeBits.continueSession) {
    throw notAuthentic(layout, 'answers a password session with a nonce, an HMAC or attributes');
  }
}

function decryptFirstParameter(
  layout: CommandLayout,
  claim: SessionClaim,
  { nonceTpm }: ResponseAuthorization,
  parameters: Uint8Array,
): Uint8Array {
  const encrypted = new TpmReader(parameters, `response to ${layout.name}`).sized();
  const nonces = { newer: nonceTpm, older: claim.nonceCaller };
  const plain = claim.use.session.cipher('decrypt', authValueAfter(claim), nonces, encrypted);
  const decrypted = Uint8Array.from(parameters);
  decrypted.set(plain, 2);
  plain.fill(0);
  return decrypted;
}

function authValueAfter({ use }: SessionClaim): Uint8Array {
  return use.newAuthValue ?? use.authValue;
}

function notAuthentic({ name }: CommandLayout, found: string): CountersignError {
  return new CountersignError(
    'TPM_RESPONSE_NOT_AUTHENTIC',
    `the response to ${name} did not come from the TPM as it is: it ${found}`,
    'Do not rely on the command being done or not. Find out what lies between this host and its TPM.',
  );
}
