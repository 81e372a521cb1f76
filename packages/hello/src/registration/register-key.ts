import { assertGoodKey, CountersignError, type Key, type KeyPolicy, type PublicKey } from '@countersign/core';
import type { FileDirectory } from '../directory/file-directory.ts';
import { createKeyReceipt, receiptLifetimeMs } from '../receipt/index.ts';
import { type AccessToken, tokenRejected, verifyAccessToken, type TokenTrust } from '../tokens/index.ts';
import { keyGuid } from './key-guid.ts';
import { parseNgcKey } from './ngc-key.ts';

export interface KeyRegistrationOptions {
  /** The cloud directory: whose users register keys, and where the keys are written. */
  readonly directory: FileDirectory;
  /** Whose access tokens are taken. */
  readonly tokens: TokenTrust;
  /** What the service calls itself in receipts. */
  readonly issuer: string;
  /** Signs receipts; unlocked. */
  readonly receiptKey: Key;
  /** How long receipts are good; one hour if absent. */
  readonly receiptLifetimeMs?: number;
  /** Whether the directory knows the device; every device in a token that is believed, if absent. */
  readonly isKnownDevice?: (token: AccessToken) => boolean | Promise<boolean>;
  /** Which keys are good enough; every algorithm and no blocklist if absent. */
  readonly keyPolicy?: KeyPolicy;
  readonly clock?: () => Date;
}

/** The answer to a registration (MS-KPP 3.1.5.1.1.2). */
export interface KeyRegistration {
  /** GUID by which people find the registration in logs: the same for the same key. */
  readonly kid: string;
  readonly upn: string;
  /** Key receipt, base64. */
  readonly krctx: string;
}

/** Registers keys for users who have just given a second factor. */
export class KeyRegistrations {
  readonly #options: KeyRegistrationOptions;
  readonly #clock: () => Date;

  constructor(options: KeyRegistrationOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => new Date());
  }

  /** SubjectPublicKeyInfo of the keys that sign receipts. */
  get receiptKeys(): readonly Uint8Array[] {
    return [this.#options.receiptKey.publicKey];
  }

  /** @throws CountersignError `TOKEN_REJECTED`, `MFA_REQUIRED` */
  async authenticate(token: string): Promise<AccessToken> {
    const { tokens, isKnownDevice } = this.#options;
    const accessToken = await verifyAccessToken(token, tokens, this.#clock());
    if (isKnownDevice === undefined || (await isKnownDevice(accessToken))) return accessToken;
    throw tokenRejected(`the directory has no device ${accessToken.deviceId}`);
  }

  /**
   * Writes a key to the directory. A key that the user has already is answered with a new receipt.
   * @param ngcKey as `encodeNgcKey` makes it
   * @throws CountersignError `USER_NOT_FOUND`, `KEY_REGISTERED_TO_ANOTHER`, and what is wrong with the key: `KEY_*`,
   *   `ALGORITHM_NOT_SUPPORTED`, `DER_MALFORMED`
   */
  async register({ upn, deviceId }: AccessToken, ngcKey: Uint8Array): Promise<KeyRegistration> {
    const { directory, keyPolicy } = this.#options;
    const publicKey = parseNgcKey(ngcKey);
    await assertGoodKey(publicKey, keyPolicy);
    const user = await directory.findByUpn(upn);
    if (user === undefined) throw userNotFound(upn);
    await registerFor(directory, user.upn, publicKey);
    const krctx = await this.#receipt({ upn: user.upn, sid: user.sid, deviceId, publicKey });
    return { kid: keyGuid(publicKey), upn: user.upn, krctx };
  }

  async #receipt(subject: {
    readonly upn: string;
    readonly sid: string;
    readonly deviceId: string;
    readonly publicKey: PublicKey;
  }): Promise<string> {
    const { issuer, receiptKey, receiptLifetimeMs: lifetimeMs = receiptLifetimeMs } = this.#options;
    const now = this.#clock();
    return createKeyReceipt(receiptKey, {
      issuer,
      ...subject,
      registeredAt: now,
      expiresAt: new Date(now.getTime() + lifetimeMs),
    });
  }
}

/** The directory names the owner of a key that is another's; who tries keys must not learn it. */
async function registerFor(directory: FileDirectory, upn: string, publicKey: PublicKey): Promise<void> {
  try {
    await directory.registerKey(upn, publicKey.subjectPublicKeyInfo);
  } catch (cause) {
    if (!(cause instanceof CountersignError) || cause.code !== 'KEY_REGISTERED_TO_ANOTHER') throw cause;
    throw new CountersignError(
      'KEY_REGISTERED_TO_ANOTHER',
      `the key ${publicKey.keyId} is registered for another user`,
      'Generate a new key pair: a key stands for one person.',
      { cause },
    );
  }
}

function userNotFound(upn: string): CountersignError {
  return new CountersignError(
    'USER_NOT_FOUND',
    `the cloud directory has no user ${upn}`,
    'Sign in as a user of this organization.',
  );
}
