import { composeCommand } from './compose-command.ts';
import { authenticateResponse } from './authenticate-response.ts';
import type { AuthSession } from './auth-session.ts';
import type { CommandLayout } from './command-table.ts';
import type { Entity } from './entity.ts';
import type { SessionAttributes } from './session-attributes.ts';
import { listHandles } from './commands/list-handles.ts';
import { isNumberOfAnother } from './missing-session.ts';
import { splitResponse } from './response.ts';
import type { TpmChannel } from './tpm-channel.ts';

export interface TpmCommand {
  readonly layout: CommandLayout;
  readonly handles: readonly Entity[];
  /** The parameter area, in clear. The caller wipes it where it holds secrets. */
  readonly parameters: Uint8Array;
}

/** What stands in a command's authorization area: in the order of the handles that need one, then the rest. */
export type CommandAuthorization = PasswordUse | SessionUse;

/** The authValue goes over the bus as it is, and nothing vouches for the response. */
export interface PasswordUse {
  readonly kind: 'password';
  readonly authValue: Uint8Array;
}

export interface SessionUse extends SessionAttributes {
  readonly kind: 'session';
  readonly session: AuthSession;
  /** Of the entity that is authorized; empty if the session authorizes nothing. */
  readonly authValue: Uint8Array;
  /** What the authValue is once the command is done, where the command changes it: the response is computed with that. */
  readonly newAuthValue?: Uint8Array;
}

export interface TpmResult {
  /** Of the object that the command made. No HMAC covers it (TPM 2.0 part 1, 18). */
  readonly handle: number | undefined;
  /** The parameter area, in clear. */
  readonly parameters: Uint8Array;
}

/**
 * Sends one command and takes its response only if every session in it vouches for it. Whatever else comes, a refusal
 * by the TPM included, ends the sessions: a refusal is not authenticated, so the TPM may have gone on to the next nonce,
 * and then the right authValue would be counted as a wrong one.
 * @throws TpmRefusal; CountersignError `TPM_RESPONSE_NOT_AUTHENTIC`, `TPM_STRUCTURE_MALFORMED`,
 * `TPM_SESSION_NOT_USABLE`, `VALUE_OUT_OF_RANGE`, and what the channel throws.
 */
export async function executeCommand(
  channel: TpmChannel,
  command: TpmCommand,
  authorizations: readonly CommandAuthorization[],
): Promise<TpmResult> {
  const claimed: AuthSession[] = [];
  let progress: 'composing' | 'sent' | 'answered' = 'composing';
  try {
    for (const use of authorizations) {
      if (use.kind !== 'session') continue;
      use.session.claim();
      claimed.push(use.session);
    }
    const { bytes, claims } = composeCommand(command, authorizations);
    progress = 'sent';
    const answer = await channel.exchange(bytes);
    progress = 'answered';
    const response = splitResponse(answer, command.layout, authorizations.length);
    return { handle: response.handle, parameters: authenticateResponse(command.layout, claims, response) };
  } catch (error) {
    for (const session of claimed) {
      if (progress === 'composing') session.release();
      else if (isNumberOfAnother(error) && !(await isStillThere(channel, session))) session.lost();
      else await abandon(channel, session, progress);
    }
    throw error;
  }
}

/** A session is flushed by its number, whichever kind has that now: not before it is seen to be this one. */
async function isStillThere(channel: TpmChannel, { handle }: AuthSession): Promise<boolean> {
  try {
    return (await listHandles(channel, 'loadedSession')).includes(handle);
  } catch {
    // The first error is the one to tell; the session is not flushed, so that nobody else's is.
    return false;
  }
}

async function abandon(
  channel: TpmChannel,
  session: AuthSession,
  progress: 'sent' | 'answered',
): Promise<void> {
  session.drop();
  // Where the channel failed it would fail again.
  if (progress === 'sent') return;
  try {
    await session.close(channel);
  } catch {
    // The first error is the one to tell; the session stays `dropped`, and its owner's `close` flushes it again.
  }
}
