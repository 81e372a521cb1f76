import { CountersignError } from '@countersign/core';
import type { HttpsResponse } from './https-client.ts';
import type { ServiceResponse } from './https-service.ts';
import { MessageObject, messageMalformed } from './message-object.ts';
import { refusalCodeIn, tellable, type RefusalCode } from './refusals.ts';

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

/** The same with a status that says more than OAuth's error does. */
export function refuseOAuth(
  status: number,
  error: CountersignError,
  headers: Readonly<Record<string, string>> = {},
): ServiceResponse {
  return { status, headers, body: formatOAuthError(error).body };
}

/** RFC 6749 3.2: no parameter more than once. */
export function requireParameter(parameters: URLSearchParams, name: string): string {
  const [value, ...others] = parameters.getAll(name);
  if (value !== undefined && value !== '' && others.length === 0) return value;
  throw messageMalformed(`the parameter ${name} is missing, or given more than once`);
}

/**
 * The refusal in an answer; `SERVICE_REFUSED` if it is none that is known here.
 * @param service names who answered, such as `registration authority`
 */
export function parseOAuthError({ status, body }: HttpsResponse, service: string): CountersignError {
  const answered = `the ${service} answered with status ${status}`;
  try {
    const message = MessageObject.parse(body, `error of the ${service}`);
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
  MFA_FAILED: 'invalid_grant',
  MFA_TIMED_OUT: 'interaction_required',
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
