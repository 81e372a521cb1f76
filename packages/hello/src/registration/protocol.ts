import { CountersignError } from '@countersign/core';
import { MessageObject, refusalCodeIn, tellable, type HttpsResponse } from '../https/index.ts';
import type { KeyRegistration } from './register-key.ts';

/** The paths and messages of MS-KPP that client and service share. */
export const keyPath = '/EnrollmentServer/key';
/** Where the keys are that sign receipts: our own, as MS-KPP has receipts and no such place. JWK Set. */
export const receiptKeysPath = '/EnrollmentServer/receipt-keys';
export const apiVersion = '1.0';

/** The body of a request. @param ngcKey as `encodeNgcKey` makes it */
export function formatKeyRequest(ngcKey: Uint8Array): string {
  return JSON.stringify({ kngc: Buffer.from(ngcKey).toString('base64') });
}

/** @returns the octets of `kngc` @throws CountersignError `MESSAGE_MALFORMED` */
export function parseKeyRequest(body: Uint8Array): Uint8Array {
  return MessageObject.parse(body, 'registration request').base64('kngc');
}

export function parseKeyResponse(body: Uint8Array): KeyRegistration {
  const message = MessageObject.parse(body, 'registration response');
  return { kid: message.string('kid'), upn: message.string('upn'), krctx: message.string('krctx') };
}

/**
 * The body of an error (MS-KPP 2.2.2). `code` is the code of the refusal, and `hint`, which the protocol does not have,
 * says what to do.
 */
export function formatErrorBody(
  error: unknown,
  request: { readonly target: string; readonly clientRequestId: string | undefined; readonly at: Date },
): string {
  const { code, message, hint } = tellable(error);
  return JSON.stringify({
    code,
    message,
    response: 'ERROR_FAIL',
    target: request.target,
    ...(request.clientRequestId === undefined ? {} : { clientrequestid: request.clientRequestId }),
    time: request.at.toISOString(),
    innererror: { trace: 'null', context: 'null' },
    hint,
  });
}

/** The refusal in an answer; `SERVICE_REFUSED` if it is none that is known here. */
export function parseErrorBody({ status, body }: HttpsResponse): CountersignError {
  const answered = `the registration service answered with status ${status}`;
  try {
    const message = MessageObject.parse(body, 'error of the registration service');
    const code = refusalCodeIn(message.string('code'));
    const text = message.string('message');
    const hint = message.optionalString('hint') ?? 'Read what the service says, and its log.';
    return code === undefined
      ? new CountersignError('SERVICE_REFUSED', `${answered}: ${text.slice(0, 1000)}`, hint)
      : new CountersignError(code, text, hint);
  } catch (cause) {
    if (!(cause instanceof CountersignError)) throw cause;
    return new CountersignError('SERVICE_REFUSED', answered, 'Check the address of the service.', { cause });
  }
}

/** RFC 6750 2.1. @throws CountersignError `TOKEN_REJECTED` */
export function bearerToken(authorization: string | undefined): string {
  const token = /^bearer +(?<token>[\w.~+/=-]+)$/iu.exec(authorization ?? '')?.groups?.['token'];
  if (token !== undefined) return token;
  throw new CountersignError(
    'TOKEN_REJECTED',
    'the request has no bearer token in its header authorization',
    'Sign in, and send the access token along.',
  );
}
