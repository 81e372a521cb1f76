import { CountersignError } from '@countersign/core';
import {
  MessageObject,
  refusalCodeIn,
  tellable,
  type HttpsResponse,
  type RefusalCode,
} from '../https/index.ts';

/** RFC 6749 5.2, RFC 8707 2 (`invalid_target` is `invalid_resource` to AD FS) and MS-OAPX 2.2.4. */
type OAuthError =
  | 'invalid_request'
  | 'invalid_grant'
  | 'invalid_resource'
  | 'invalid_scope'
  | 'unsupported_grant_type'
  | 'interaction_required'
  | 'temporarily_unavailable'
  | 'server_error';

/** A refusal of parameters that OAuth has a name of its own for. */
export function parameterRefused(error: OAuthError, found: string): CountersignError {
  return new CountersignError(
    'MESSAGE_MALFORMED',
    found,
    'Check that client and service speak the same version of the protocol.',
    { cause: new NamedRefusal(error) },
  );
}

export interface OAuthRefusal {
  readonly status: number;
  readonly body: string;
}

/**
 * The answer to what is refused: `error` and `error_description` of OAuth, and beyond it `code`, the code of the refusal,
 * and `hint`.
 */
export function formatOAuthError(refusal: unknown): OAuthRefusal {
  const { code, message, hint } = tellable(refusal);
  const cause = refusal instanceof CountersignError ? refusal.cause : undefined;
  const error = cause instanceof NamedRefusal ? cause.error : (errorNames[code] ?? 'invalid_request');
  const status = error === 'server_error' ? 500 : error === 'temporarily_unavailable' ? 503 : 400;
  return { status, body: JSON.stringify({ error, error_description: message, code, hint }) };
}

/** The refusal in an answer; `SERVICE_REFUSED` if it is none that is known here. */
export function parseOAuthError({ status, body }: HttpsResponse): CountersignError {
  const answered = `the registration authority answered with status ${status}`;
  try {
    const message = MessageObject.parse(body, 'error of the registration authority');
    const error = message.string('error');
    const description = message.optionalString('error_description') ?? 'no description';
    const code = refusalCodeIn(message.optionalString('code'));
    const hint = message.optionalString('hint') ?? 'Read what the service says, and its log.';
    return code === undefined
      ? new CountersignError(
          'SERVICE_REFUSED',
          `${answered}, ${error.slice(0, 60)}: ${description.slice(0, 1000)}`,
          hint,
        )
      : new CountersignError(code, description, hint);
  } catch (cause) {
    if (!(cause instanceof CountersignError)) throw cause;
    return new CountersignError('SERVICE_REFUSED', answered, 'Check the address of the service.', { cause });
  }
}

/** All others are `invalid_request`, as AD FS has it for keys that are not registered too. */
const errorNames: Readonly<Partial<Record<RefusalCode, OAuthError>>> = {
  TOKEN_REJECTED: 'invalid_grant',
  NONCE_STALE: 'invalid_grant',
  REQUEST_REPLAYED: 'invalid_grant',
  MFA_REQUIRED: 'interaction_required',
  SERVICE_UNREACHABLE: 'temporarily_unavailable',
  SERVICE_REFUSED: 'server_error',
};

class NamedRefusal {
  readonly error: OAuthError;

  constructor(error: OAuthError) {
    this.error = error;
  }
}
