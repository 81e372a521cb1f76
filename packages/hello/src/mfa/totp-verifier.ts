import { join } from 'node:path';
import {
  ensurePrivateDirectory,
  JsonObject,
  parseJsonDocument,
  readFileIfExists,
  withLock,
  writeFileAtomic,
} from '@countersign/state';
import { Secret, TOTP } from 'otpauth';
import { mfaFailed, type MultiFactorProof, type MultiFactorVerifier } from './multi-factor-verifier.ts';

export interface TotpVerifierOptions {
  /** Where users' secrets and last steps are kept, for this program alone. */
  readonly directory: string;
  /** What authenticator apps show beside the user. */
  readonly issuer: string;
  readonly clock?: () => Date;
}

/** RFC 6238 with what every authenticator app can do. */
const algorithm = 'SHA1';
const digits = 6;
const periodSeconds = 30;
/** RFC 6238 5.2: one step before and after, for clocks that differ and people who type. */
const windowSteps = 1;
/** RFC 4226 7.3: guesses are throttled. Wrong codes until a user has to wait, and for how long. */
const maxFailures = 5;
const lockSeconds = 60;

/**
 * Time-based one-time passwords (RFC 6238). A code is taken once: the step it was made for, and those before, are spent for
 * good before the answer is given (RFC 6238 5.2).
 */
export class TotpVerifier implements MultiFactorVerifier {
  readonly #directory: string;
  readonly #issuer: string;
  readonly #clock: () => Date;

  constructor({ directory, issuer, clock = () => new Date() }: TotpVerifierOptions) {
    this.#directory = directory;
    this.#issuer = issuer;
    this.#clock = clock;
  }

  /**
   * Gives a user a new secret; codes from an earlier one hold no more.
   * @returns the otpauth:// URI for the user's app: a secret, to be shown once
   */
  async enroll(upn: string): Promise<string> {
    const secret = new Secret({ size: 20 });
    await this.#change((users) => {
      users.set(keyOf(upn), {
        secretHex: secret.hex.toLowerCase(),
        lastStep: -1,
        failures: 0,
        lockedUntil: undefined,
      });
    });
    return this.#totp(upn, secret).toString();
  }

  /** @param answer six digits, ASCII */
  async verify(upn: string, answer: Uint8Array): Promise<MultiFactorProof> {
    const at = this.#clock();
    const isRight = await this.#change((users) => {
      const user = users.get(keyOf(upn));
      if (user === undefined) throw mfaFailed(`${upn} has no authenticator`, 'Enroll one first.');
      if (user.lockedUntil !== undefined && at < user.lockedUntil) {
        throw mfaFailed(
          `too many wrong codes for ${upn}`,
          `Try again after ${user.lockedUntil.toISOString()}.`,
        );
      }
      const step = this.#stepOf(upn, user, answer, at);
      users.set(
        keyOf(upn),
        step === undefined ? failedOnce(user, at) : { ...user, lastStep: step, failures: 0 },
      );
      return step !== undefined;
    });
    if (isRight) return { upn, method: 'otp', at };
    throw mfaFailed(
      'the code is wrong, too old, or was used before',
      `Wait for the next code, which comes every ${periodSeconds} seconds, and enter that.`,
    );
  }

  /** The step that the code is of, if that is not spent. */
  #stepOf(upn: string, user: TotpUser, answer: Uint8Array, at: Date): number | undefined {
    const code = Buffer.from(answer).toString('latin1');
    if (!/^\d{6}$/.test(code)) return undefined;
    const totp = this.#totp(upn, Secret.fromHex(user.secretHex));
    // otpauth compares in constant time.
    const delta = totp.validate({ token: code, timestamp: at.getTime(), window: windowSteps });
    if (delta === null) return undefined;
    const step = Math.floor(at.getTime() / 1000 / periodSeconds) + delta;
    return step > user.lastStep ? step : undefined;
  }

  #totp(upn: string, secret: Secret): TOTP {
    return new TOTP({ issuer: this.#issuer, label: upn, algorithm, digits, period: periodSeconds, secret });
  }

  async #change<T>(change: (users: Map<string, TotpUser>) => T): Promise<T> {
    await ensurePrivateDirectory(this.#directory);
    return withLock(join(this.#directory, 'totp.lock'), async () => {
      const path = join(this.#directory, 'totp.json');
      const bytes = await readFileIfExists(path);
      const users = bytes === undefined ? new Map<string, TotpUser>() : parse(bytes, path);
      const result = change(users);
      await writeFileAtomic(path, format(users));
      return result;
    });
  }
}

interface TotpUser {
  readonly secretHex: string;
  /** The last step a code of which was taken; -1 for none. */
  readonly lastStep: number;
  readonly failures: number;
  readonly lockedUntil: Date | undefined;
}

function failedOnce(user: TotpUser, at: Date): TotpUser {
  const failures = user.failures + 1;
  return failures < maxFailures
    ? { ...user, failures }
    : { ...user, failures: 0, lockedUntil: new Date(at.getTime() + lockSeconds * 1000) };
}

function keyOf(upn: string): string {
  return upn.toLowerCase();
}

function format(users: ReadonlyMap<string, TotpUser>): string {
  const document = {
    format: 'countersign-totp',
    version: 1,
    users: Array.from(users, ([upn, { lockedUntil, ...user }]) => ({
      upn,
      ...user,
      lockedUntil: lockedUntil?.toISOString(),
    })),
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

function parse(bytes: Uint8Array, path: string): Map<string, TotpUser> {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-totp']);
  document.integer('version', { min: 1, max: 1 });
  const users = document.objects('users').map((object) => {
    const upn = object.string('upn');
    const user = {
      secretHex: Buffer.from(object.bytesHex('secretHex')).toString('hex'),
      lastStep: object.integer('lastStep', { min: -1 }),
      failures: object.integer('failures', { min: 0, max: maxFailures }),
      lockedUntil: object.optionalDate('lockedUntil'),
    };
    object.end();
    return [upn, user] as const;
  });
  document.end();
  return new Map(users);
}
