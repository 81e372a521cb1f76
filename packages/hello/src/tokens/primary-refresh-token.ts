import { CompactEncrypt, compactDecrypt, errors } from 'jose';
import { CountersignError } from '@countersign/core';
import { deviceIdIn, tokenRejected } from './access-token.ts';
import type { TokenKeys } from './json-web-keys.ts';
import { assertMultiFactor } from './multi-factor.ts';
import { verifyJws } from './verify-jws.ts';

/** Whose primary refresh tokens a service takes. */
export interface PrimaryRefreshTokenTrust {
  readonly issuer: string;
  readonly keys: TokenKeys;
  /** What the service is called in `aud`. */
  readonly audience: string;
  /** 32 octets that issuer and service share; the token's contents are sealed with them. Secret. */
  readonly sealingKey: Uint8Array;
}

/** What a primary refresh token says, once it is believed. */
export interface PrimaryRefreshToken {
  readonly upn: string;
  /** SID of the user's account on premises. */
  readonly sid: string;
  /** GUID, lower case. */
  readonly deviceId: string;
  /** 32 octets that the device shares with whoever can open the token. Secret: the receiver wipes it. */
  readonly sessionKey: Uint8Array;
}

/** Encrypts a signed token, so that who carries it cannot read the session key in it: JWE, `dir`, A256GCM. */
export async function sealToken(token: string, sealingKey: Uint8Array): Promise<string> {
  return new CompactEncrypt(Buffer.from(token, 'ascii'))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', cty: 'JWT' })
    .encrypt(checkSealingKey(sealingKey));
}

/**
 * Opens and verifies a primary refresh token.
 * @throws CountersignError `TOKEN_REJECTED`, `MFA_REQUIRED`
 */
export async function openPrimaryRefreshToken(
  sealed: string,
  trust: PrimaryRefreshTokenTrust,
  now: Date,
): Promise<PrimaryRefreshToken> {
  const { issuer, keys, audience } = trust;
  const claims = await verifyJws(await unseal(sealed, trust.sealingKey), keys, {
    what: 'primary refresh token',
    issuer,
    audience,
    now,
    refuse: tokenRejected,
  });
  // The user signed in with a second factor when the token was issued; how long ago is the token's lifetime to say.
  assertMultiFactor(claims);
  const sessionKey = claims.base64('session_key');
  if (sessionKey.length !== 32)
    throw tokenRejected('the session key of the primary refresh token has a wrong length');
  return {
    upn: claims.string('upn'),
    sid: claims.string('primarysid'),
    deviceId: deviceIdIn(claims),
    sessionKey,
  };
}

/** @throws CountersignError `VALUE_OUT_OF_RANGE` */
export function checkSealingKey(sealingKey: Uint8Array): Uint8Array {
  if (sealingKey.length === 32) return sealingKey;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `the key that seals tokens has ${sealingKey.length} octets; expected 32`,
    'Give 32 octets from a secure source of randomness.',
  );
}

async function unseal(sealed: string, sealingKey: Uint8Array): Promise<string> {
  try {
    const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
    const { plaintext } = await compactDecrypt(sealed, checkSealingKey(sealingKey), options);
    return Buffer.from(plaintext).toString('ascii');
  } catch (cause) {
    if (!(cause instanceof errors.JOSEError)) throw cause;
    throw tokenRejected('the primary refresh token cannot be opened here', cause);
  }
}
