import { CountersignError } from '@countersign/core';
import type { MessageObject } from '../https/index.ts';
import type { TokenKeys } from './json-web-keys.ts';
import { assertFreshMultiFactor } from './multi-factor.ts';
import { verifyJws } from './verify-jws.ts';

/** Whose access tokens a service takes. */
export interface TokenTrust {
  readonly issuer: string;
  /** Keys of the issuer. */
  readonly keys: TokenKeys;
  /** What the service is called in `aud`. */
  readonly audience: string;
}

/** What an access token says, once it is believed. */
export interface AccessToken {
  readonly upn: string;
  /** GUID, lower case. */
  readonly deviceId: string;
}

/**
 * Verifies the access token of somebody who registers a key (MS-KPP 3.1.5.1.1.3).
 * @param token JWT in JWS compact form
 * @throws CountersignError `TOKEN_REJECTED`, `MFA_REQUIRED`
 */
export async function verifyAccessToken(token: string, trust: TokenTrust, now: Date): Promise<AccessToken> {
  const { issuer, keys, audience } = trust;
  const claims = await verifyJws(token, keys, {
    what: 'access token',
    issuer,
    audience,
    now,
    refuse: tokenRejected,
  });
  const accessToken = { upn: claims.string('upn'), deviceId: deviceIdIn(claims) };
  assertFreshMultiFactor(claims, now);
  return accessToken;
}

export function deviceIdIn(claims: MessageObject): string {
  const deviceId = claims.string('deviceid');
  if (isGuid(deviceId)) return deviceId.toLowerCase();
  throw tokenRejected('the claim deviceid of the token is no GUID');
}

export function isGuid(text: string): boolean {
  return /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/iu.test(text);
}

export function tokenRejected(found: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'TOKEN_REJECTED',
    found,
    'Sign in again to get a new token, and check that it is meant for this service.',
    { cause },
  );
}
