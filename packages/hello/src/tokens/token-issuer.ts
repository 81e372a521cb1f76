import { randomBytes, randomUUID } from 'node:crypto';
import { CountersignError, type Key } from '@countersign/core';
import { isGuid } from './access-token.ts';
import { tokenKeys, type TokenKeys } from './json-web-keys.ts';
import { checkSealingKey, sealToken } from './primary-refresh-token.ts';
import { signJws } from './sign-jws.ts';

export interface TokenIssuerOptions {
  /** What stands in `iss`. */
  readonly issuer: string;
  /** Signs the tokens; unlocked. */
  readonly key: Key;
  readonly clock?: () => Date;
}

/** Who signed in, on what device, and how. */
export interface SignIn {
  readonly upn: string;
  /** GUID in string form. */
  readonly deviceId: string;
  /** Methods as `amr` names them, such as `pwd` and `ngcmfa`. */
  readonly methods: readonly string[];
  /** When; now if absent. */
  readonly at?: Date;
}

export interface IssuedPrimaryRefreshToken {
  readonly token: string;
  /** 32 octets, for the device. Secret: the receiver wipes it. */
  readonly sessionKey: Uint8Array;
}

const accessTokenLifetimeMs = 60 * 60_000;
/** 14 days in Entra ID, 7 in the example of MS-OAPXBC. */
const primaryRefreshTokenLifetimeMs = 7 * 24 * 60 * 60_000;

/**
 * Stands in for the identity provider in demonstrations and tests: it issues tokens for whatever sign-in it is told of.
 * Real users, and real second factors, are for a real one.
 */
export class TokenIssuer {
  readonly issuer: string;
  readonly #key: Key;
  readonly #clock: () => Date;

  constructor(options: TokenIssuerOptions) {
    this.issuer = options.issuer;
    this.#key = options.key;
    this.#clock = options.clock ?? (() => new Date());
  }

  /** What verifiers need to know of it. */
  async keys(): Promise<TokenKeys> {
    return tokenKeys([this.#key.publicKey]);
  }

  /**
   * @param audience what the service is called that the token is for
   * @returns JWT in JWS compact form, good for an hour
   * @throws CountersignError `VALUE_OUT_OF_RANGE` for a device that is no GUID, and what the key's `sign` throws
   */
  async issueAccessToken(signIn: SignIn, audience: string): Promise<string> {
    return signJws(this.#key, this.#claims(signIn, audience, accessTokenLifetimeMs));
  }

  /**
   * @param sid of the user's account on premises
   * @param sealingKey 32 octets, shared with the service that `audience` names
   * @returns the token as only that service can read it, good for seven days, and the session key in it
   * @throws CountersignError `VALUE_OUT_OF_RANGE`, and what the key's `sign` throws
   */
  async issuePrimaryRefreshToken(
    signIn: SignIn & { readonly sid: string },
    audience: string,
    sealingKey: Uint8Array,
  ): Promise<IssuedPrimaryRefreshToken> {
    checkSealingKey(sealingKey);
    const sessionKey = randomBytes(32);
    const signed = await signJws(this.#key, {
      ...this.#claims(signIn, audience, primaryRefreshTokenLifetimeMs),
      primarysid: signIn.sid,
      session_key: sessionKey.toString('base64'),
    });
    return { token: await sealToken(signed, sealingKey), sessionKey };
  }

  #claims(
    { upn, deviceId, methods, at }: SignIn,
    audience: string,
    lifetimeMs: number,
  ): Record<string, unknown> {
    const now = this.#clock();
    if (!isGuid(deviceId)) {
      throw new CountersignError(
        'VALUE_OUT_OF_RANGE',
        `${JSON.stringify(deviceId.slice(0, 60))} is not a GUID in string form`,
        'Give it as 8-4-4-4-12 hexadecimal digits.',
      );
    }
    return {
      iss: this.issuer,
      aud: audience,
      iat: seconds(now),
      nbf: seconds(now),
      exp: seconds(new Date(now.getTime() + lifetimeMs)),
      jti: randomUUID(),
      upn,
      deviceid: deviceId.toLowerCase(),
      amr: methods,
      auth_time: seconds(at ?? now),
    };
  }
}

/** NumericDate (RFC 7519 2), whole seconds. */
function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
