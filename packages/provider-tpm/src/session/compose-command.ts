import { createHash } from 'node:crypto';
import { CountersignError } from '@countersign/core';
import type { NoncePair } from './auth-session.ts';
import type { CommandAuthorization, PasswordUse, SessionUse, TpmCommand } from './execute-command.ts';
import { structureTags } from './response.ts';
import { encodeSessionAttributes, sessionAttributeBits } from './session-attributes.ts';
import { TpmReader } from './wire/tpm-reader.ts';
import { TpmWriter } from './wire/tpm-writer.ts';

/** What has to be known of a session's part in a command to check its part in the response. */
export type AuthorizationClaim = PasswordClaim | SessionClaim;

interface PasswordClaim {
  readonly kind: 'password';
}

export interface SessionClaim {
  readonly kind: 'session';
  readonly use: SessionUse;
  readonly nonceCaller: Uint8Array;
  /** TPMA_SESSION as sent. */
  readonly attributes: number;
  /** Whether the HMAC keys, of command and response, have the authValue in them. */
  readonly includesAuthValue: boolean;
}

/** The command as it goes over the bus, in sessions (TPM 2.0 part 1, 18). */
export function composeCommand(
  command: TpmCommand,
  authorizations: readonly CommandAuthorization[],
): { readonly bytes: Uint8Array; readonly claims: readonly AuthorizationClaim[] } {
  assertFits(command, authorizations);
  const claims = authorizations.map((use, index) => claim(command, use, index));
  const parameters = encryptFirstParameter(command, claims);
  const area = new TpmWriter();
  for (const [index, use] of authorizations.entries()) {
    const part = claims[index];
    if (use.kind === 'password') writePassword(area, use);
    else if (part?.kind === 'session') writeSession(area, part, index, claims, command, parameters);
  }
  const authorizationArea = area.finish();
  const size = 14 + 4 * command.handles.length + authorizationArea.length + parameters.length;
  const writer = new TpmWriter().u16(structureTags.sessions).u32(size).u32(command.layout.code);
  for (const { handle } of command.handles) writer.u32(handle);
  const bytes = writer.u32(authorizationArea.length).bytes(authorizationArea).bytes(parameters).finish();
  return { bytes, claims };
}

function assertFits(command: TpmCommand, authorizations: readonly CommandAuthorization[]): void {
  const { name, handles, authorized, sizedRequest, sizedResponse } = command.layout;
  if (command.handles.length !== handles) throw misuse(`${name} takes ${handles} handles`);
  if (authorizations.length < Math.max(authorized, 1) || authorizations.length > 3) {
    throw misuse(`${name} takes from ${Math.max(authorized, 1)} to 3 sessions, not ${authorizations.length}`);
  }
  const sessions = authorizations.filter((use) => use.kind === 'session');
  const [decrypting, encrypting] = [
    sessions.filter((use) => use.decrypt),
    sessions.filter((use) => use.encrypt),
  ];
  if (decrypting.length > 1 || encrypting.length > 1) {
    throw misuse('a parameter is encrypted in one session, not in several');
  }
  if (decrypting.length > 0 && !sizedRequest) throw misuse(`${name} has no first parameter to encrypt`);
  if (encrypting.length > 0 && !sizedResponse) throw misuse(`the response to ${name} has nothing to encrypt`);
  for (const use of authorizations.slice(authorized)) {
    if (use.kind === 'password') throw misuse(`a password for nothing in ${name}`);
  }
}

function claim(command: TpmCommand, use: CommandAuthorization, index: number): AuthorizationClaim {
  if (use.kind === 'password') return { kind: 'password' };
  const entity = index < command.layout.authorized ? command.handles[index] : undefined;
  return {
    kind: 'session',
    use,
    nonceCaller: use.session.createNonce(),
    attributes: encodeSessionAttributes(use),
    includesAuthValue: entity !== undefined && use.session.includesAuthValue(entity, use.authValue),
  };
}

/** The session value has the authValue in it whatever the session is bound to (TPM 2.0 part 1, 21). */
function encryptFirstParameter(command: TpmCommand, claims: readonly AuthorizationClaim[]): Uint8Array {
  const decrypting = claims.find((part) => part.kind === 'session' && part.use.decrypt);
  if (decrypting?.kind !== 'session') return command.parameters;
  const { session, authValue } = decrypting.use;
  const plain = new TpmReader(command.parameters, `parameters of ${command.layout.name}`).sized();
  const encrypted = session.cipher('encrypt', authValue, commandNonces(decrypting), plain);
  plain.fill(0);
  const parameters = Uint8Array.from(command.parameters);
  parameters.set(encrypted, 2);
  return parameters;
}

function writePassword(area: TpmWriter, { authValue }: PasswordUse): void {
  area.u32(passwordSession).sized(new Uint8Array()).u8(sessionAttributeBits.continueSession).sized(authValue);
}

/** TPMS_AUTH_COMMAND, with the HMAC of TPM 2.0 part 1, 19.6. */
function writeSession(
  area: TpmWriter,
  part: SessionClaim,
  index: number,
  claims: readonly AuthorizationClaim[],
  command: TpmCommand,
  parameters: Uint8Array,
): void {
  const { session, authValue } = part.use;
  const message = new TpmWriter()
    .bytes(commandDigest(session.hash, command, parameters))
    .bytes(part.nonceCaller)
    .bytes(session.nonceTpm);
  if (index === 0 && command.layout.authorized > 0) writeNoncesOfOthers(message, part, claims);
  message.u8(part.attributes);
  const hmac = session.computeHmac(part.includesAuthValue ? authValue : new Uint8Array(), message.finish());
  area.u32(session.handle).sized(part.nonceCaller).u8(part.attributes).sized(hmac);
}

/** Ties the sessions that encrypt to the first one, so that nobody can put others in their place. */
function writeNoncesOfOthers(
  message: TpmWriter,
  first: SessionClaim,
  claims: readonly AuthorizationClaim[],
): void {
  const sessions = claims.filter((part) => part.kind === 'session');
  const decrypting = sessions.find((part) => part.use.decrypt);
  const encrypting = sessions.find((part) => part.use.encrypt);
  if (decrypting !== undefined && decrypting !== first) message.bytes(decrypting.use.session.nonceTpm);
  if (encrypting !== undefined && encrypting !== first && encrypting !== decrypting) {
    message.bytes(encrypting.use.session.nonceTpm);
  }
}

/** cpHash (TPM 2.0 part 1, 18). */
function commandDigest(hash: string, { layout, handles }: TpmCommand, parameters: Uint8Array): Uint8Array {
  const message = new TpmWriter().u32(layout.code);
  for (const { name } of handles) message.bytes(name);
  return createHash(hash).update(message.bytes(parameters).finish()).digest();
}

function commandNonces({ nonceCaller, use }: SessionClaim): NoncePair {
  return { newer: nonceCaller, older: use.session.nonceTpm };
}

/** TPM_RS_PW. */
const passwordSession = 0x40000009;

function misuse(message: string): CountersignError {
  return new CountersignError('VALUE_OUT_OF_RANGE', message, 'Compose the command as its layout says.');
}
