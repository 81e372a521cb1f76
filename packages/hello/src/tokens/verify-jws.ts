import type { CountersignError } from '@countersign/core';
import { compactVerify, errors, type CompactVerifyGetKey } from 'jose';
import { MessageObject } from '../https/index.ts';
import { jwsAlgorithms } from './sign-jws.ts';

export interface JwsExpectations {
  /** Names the token in errors, such as `access token`. */
  readonly what: string;
  readonly issuer: string;
  readonly audience: string;
  readonly now: Date;
  /** Makes the error for a token that is not to be trusted. */
  readonly refuse: (found: string, cause?: unknown) => CountersignError;
  /** Makes the error for one that is no longer valid; `refuse` if absent. */
  readonly refuseExpired?: (found: string) => CountersignError;
}

/** Clocks of machines that keep time differ by less; Kerberos and AD FS allow five minutes. */
export const clockToleranceMs = 60_000;

/**
 * Verifies a signed JWT: its signature by a key that is trusted, issuer, audience and period of validity (RFC 7519 4.1).
 * @returns the claims
 * @throws what `refuse` and `refuseExpired` make; what `keys` throws other than jose's errors
 */
export async function verifyJws(
  token: string,
  keys: CompactVerifyGetKey,
  expected: JwsExpectations,
): Promise<MessageObject> {
  const { what, refuse } = expected;
  const payload = await verifySignature(token, keys, expected);
  const claims = MessageObject.parse(payload, what, refuse);
  if (claims.string('iss') !== expected.issuer) throw refuse(`the ${what} comes from another issuer`);
  if (!claims.strings('aud').includes(expected.audience))
    throw refuse(`the ${what} is meant for another audience`);
  assertInTime(claims, expected);
  return claims;
}

function assertInTime(
  claims: MessageObject,
  { what, now, refuse, refuseExpired = refuse }: JwsExpectations,
): void {
  const [iat, nbf, exp] = [
    claims.date('iat'),
    claims.optionalDate('nbf') ?? claims.date('iat'),
    claims.date('exp'),
  ];
  const latest = new Date(now.getTime() + clockToleranceMs);
  if (iat > latest || nbf > latest) throw refuse(`the ${what} is not valid yet`);
  if (exp.getTime() + clockToleranceMs <= now.getTime()) {
    throw refuseExpired(`the ${what} expired at ${exp.toISOString()}`);
  }
}

async function verifySignature(
  token: string,
  keys: CompactVerifyGetKey,
  { what, refuse }: JwsExpectations,
): Promise<Uint8Array> {
  // Bits after the last octet of base64url, which no signature covers, could be anything.
  if (!token.split('.').every(isCanonicalBase64url)) throw refuse(`the ${what} is not in JWS compact form`);
  try {
    return (await compactVerify(token, keys, { algorithms: [...jwsAlgorithms] })).payload;
  } catch (cause) {
    if (!(cause instanceof errors.JOSEError)) throw cause;
    throw refuse(`the ${what} is not signed by a key that is trusted here (${cause.message})`, cause);
  }
}

function isCanonicalBase64url(text: string): boolean {
  return Buffer.from(text, 'base64url').toString('base64url') === text;
}
