import { randomBytes } from 'node:crypto';
import { CountersignError } from '@countersign/core';
import { CompactSign, compactVerify, decodeProtectedHeader, errors } from 'jose';
import { MessageObject, messageMalformed, parameterRefused } from '../https/index.ts';
import {
  clockToleranceMs,
  openPrimaryRefreshToken,
  tokenRejected,
  type PrimaryRefreshToken,
  type PrimaryRefreshTokenTrust,
} from '../tokens/index.ts';
import {
  brokerClientId,
  certificateResource,
  certificateScope,
  certificateTokenUse,
  pkcs10RequestType,
  requestLifetimeMs,
} from './protocol.ts';
import { contextBytes, contextOfPayload, deriveMessageKey, parseContext } from './session-key.ts';

export interface CertificateRequestFields {
  /** PKCS#10, DER. */
  readonly csr: Uint8Array;
  /** Key receipt, base64. */
  readonly krctx: string | undefined;
  /** From the service. */
  readonly nonce: string;
}

/** A request that was signed with the session of a primary refresh token. */
export interface VerifiedCertificateRequest extends CertificateRequestFields {
  /** Whose token it is. The session key in it is secret: the receiver wipes it. */
  readonly token: PrimaryRefreshToken;
}

/**
 * Makes the `request` parameter (MS-OAPXBC): a JWT that is signed with HS256 and a key derived from the session key.
 * Beyond the protocol, which has it in requests for primary refresh tokens alone, it has a `request_nonce`.
 */
export async function signCertificateRequest(
  { csr, krctx, nonce }: CertificateRequestFields,
  token: { readonly token: string; readonly sessionKey: Uint8Array },
  now: Date,
): Promise<string> {
  const claims = {
    client_id: brokerClientId,
    scope: `aza openid ${certificateScope}`,
    resource: certificateResource,
    cert_token_use: certificateTokenUse,
    csr_type: pkcs10RequestType,
    csr: Buffer.from(csr).toString('base64'),
    ...(krctx === undefined ? {} : { krctx }),
    request_nonce: nonce,
    iat: Math.floor(now.getTime() / 1000),
    exp: Math.floor((now.getTime() + requestLifetimeMs) / 1000),
    grant_type: 'refresh_token',
    refresh_token: token.token,
  };
  const payload = Buffer.from(JSON.stringify(claims), 'utf8');
  const ctx = randomBytes(contextBytes);
  const key = deriveMessageKey(token.sessionKey, contextOfPayload(ctx, payload));
  try {
    return await new CompactSign(payload)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT', ctx: ctx.toString('base64'), kdf_ver: 2 })
      .sign(key);
  } finally {
    key.fill(0);
  }
}

/**
 * Verifies a request: first the primary refresh token in it, then the request with the session key from the token.
 * @throws CountersignError `MESSAGE_MALFORMED`, `TOKEN_REJECTED`, `MFA_REQUIRED`
 */
export async function verifyCertificateRequest(
  request: string,
  trust: PrimaryRefreshTokenTrust,
  now: Date,
): Promise<VerifiedCertificateRequest> {
  const ctx = readHeader(request);
  const payload = Buffer.from(request.split('.')[1] ?? '', 'base64url');
  const claims = MessageObject.parse(payload, 'certificate request');
  const token = await openPrimaryRefreshToken(claims.string('refresh_token'), trust, now);
  try {
    await verifySignature(request, ctx, payload, token.sessionKey);
    assertInTime(claims, now);
    return { ...readFields(claims), token };
  } catch (error) {
    token.sessionKey.fill(0);
    throw error;
  }
}

/** Version 1 of the derivation, in which a stolen key could sign anything, is not taken: every client has known 2 since 2021. */
function readHeader(request: string): Uint8Array {
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(request);
  } catch {
    throw messageMalformed('the parameter request is not a JWT');
  }
  if (header.alg !== 'HS256' || header['kdf_ver'] !== 2) {
    throw messageMalformed('the request is not signed with HS256 and a key derived by kdf_ver 2');
  }
  return parseContext(header['ctx']);
}

async function verifySignature(
  request: string,
  ctx: Uint8Array,
  payload: Uint8Array,
  sessionKey: Uint8Array,
): Promise<void> {
  const key = deriveMessageKey(sessionKey, contextOfPayload(ctx, payload));
  try {
    await compactVerify(request, key, { algorithms: ['HS256'] });
  } catch (cause) {
    if (!(cause instanceof errors.JOSEError)) throw cause;
    throw tokenRejected('the request is not signed with the session of its primary refresh token', cause);
  } finally {
    key.fill(0);
  }
}

function assertInTime(claims: MessageObject, now: Date): void {
  const [iat, exp] = [claims.date('iat').getTime(), claims.date('exp').getTime()];
  if (iat - clockToleranceMs > now.getTime()) throw tokenRejected('the request is dated in the future');
  if (exp + clockToleranceMs <= now.getTime()) throw tokenRejected('the request has expired');
}

function readFields(claims: MessageObject): CertificateRequestFields {
  if (claims.string('client_id') !== brokerClientId)
    throw tokenRejected('the request is from another client than Windows');
  if (claims.string('grant_type') !== 'refresh_token') {
    throw parameterRefused('unsupported_grant_type', 'the grant_type in the request is not refresh_token');
  }
  if (claims.string('resource') !== certificateResource) {
    throw parameterRefused('invalid_resource', `the resource of the request is not ${certificateResource}`);
  }
  if (!claims.string('scope').split(' ').includes(certificateScope)) {
    throw parameterRefused('invalid_scope', `the scope of the request does not include ${certificateScope}`);
  }
  for (const [name, expected] of [
    ['cert_token_use', certificateTokenUse],
    ['csr_type', pkcs10RequestType],
  ] as const) {
    if (claims.string(name) !== expected)
      throw messageMalformed(`the request has another ${name} than ${expected}`);
  }
  return {
    csr: claims.base64('csr'),
    krctx: claims.optionalString('krctx'),
    nonce: requireNonce(claims.optionalString('request_nonce')),
  };
}

function requireNonce(nonce: string | undefined): string {
  if (nonce !== undefined) return nonce;
  throw new CountersignError(
    'NONCE_STALE',
    'the request has no nonce',
    'Ask for a nonce (grant_type=srv_challenge), and send it as request_nonce.',
  );
}
