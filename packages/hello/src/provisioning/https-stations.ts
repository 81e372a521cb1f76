import {
  CountersignError,
  PublicKey,
  type Attribute,
  type Key,
  type KeyAlgorithm,
  type KeyCustody,
} from '@countersign/core';
import type { IdentityClient } from '../identity/index.ts';
import type { RaClient } from '../ra-service/index.ts';
import type { RegistrationClient } from '../registration/index.ts';
import type { Authentication, EnrollmentAnswer, Registered, Stations } from './stations.ts';

export interface HttpsStationsOptions extends Pick<Stations, 'checkPrerequisites' | 'withPin'> {
  readonly upn: string;
  readonly identity: Pick<IdentityClient, 'signIn'>;
  readonly registration: Pick<RegistrationClient, 'register'>;
  /** Absent where no certificate is wanted. */
  readonly registrationAuthority?: Pick<RaClient, 'enroll'> | undefined;
  readonly custody: KeyCustody;
  readonly algorithm: KeyAlgorithm;
  /** Asks the user for the second factor. What it gives is wiped after use. */
  readonly secondFactor: () => Promise<Uint8Array>;
  /** How often the user may try; 3 if absent. */
  readonly secondFactorTries?: number;
  /** Told of each answer that was not accepted, if another may follow. */
  readonly onSecondFactorRefused?: (error: CountersignError) => void;
  readonly attest?: ((key: Key) => Promise<readonly Attribute[]>) | undefined;
}

/** The stations of an organization that are reached over HTTPS. */
export class HttpsStations implements Stations {
  readonly custody: KeyCustody;
  readonly algorithm: KeyAlgorithm;
  readonly checkPrerequisites: Stations['checkPrerequisites'];
  readonly withPin: Stations['withPin'];
  readonly attest?: (key: Key) => Promise<readonly Attribute[]>;
  readonly enroll?: (
    request: Uint8Array,
    receipt: string | undefined,
    authentication: Authentication,
  ) => Promise<EnrollmentAnswer>;
  readonly #options: HttpsStationsOptions;
  #authentication: Authentication | undefined;

  constructor(options: HttpsStationsOptions) {
    const { custody, algorithm, checkPrerequisites, withPin, attest, registrationAuthority } = options;
    this.#options = options;
    this.custody = custody;
    this.algorithm = algorithm;
    this.checkPrerequisites = checkPrerequisites;
    this.withPin = withPin;
    if (attest !== undefined) this.attest = attest;
    if (registrationAuthority !== undefined) {
      this.enroll = async (...order) => this.#enroll(registrationAuthority, ...order);
    }
  }

  /** Asked once: the tokens outlast every wait for the sync. */
  async authenticate(): Promise<Authentication> {
    const { secondFactorTries = 3, onSecondFactorRefused } = this.#options;
    for (let tries = 1; this.#authentication === undefined; tries += 1) {
      try {
        this.#authentication = await this.#signIn();
      } catch (error) {
        if (!isRefusedFactor(error) || tries >= secondFactorTries) throw error;
        onSecondFactorRefused?.(error);
      }
    }
    return this.#authentication;
  }

  async register(publicKey: Uint8Array, { accessToken }: Authentication): Promise<Registered> {
    const { krctx } = await this.#options.registration.register(publicKey, accessToken);
    return { keyId: PublicKey.parse(publicKey).keyId, receipt: krctx };
  }

  /** Forgets the tokens, and wipes what is secret in them. */
  close(): void {
    this.#authentication?.primaryRefreshToken.sessionKey.fill(0);
    this.#authentication = undefined;
  }

  async #signIn(): Promise<Authentication> {
    const { identity, upn, secondFactor } = this.#options;
    const answer = await secondFactor();
    try {
      return await identity.signIn(upn, answer);
    } finally {
      answer.fill(0);
    }
  }

  async #enroll(
    ra: Pick<RaClient, 'enroll'>,
    request: Uint8Array,
    receipt: string | undefined,
    { upn, primaryRefreshToken }: Authentication,
  ): Promise<EnrollmentAnswer> {
    try {
      const order = { upn, csr: request, krctx: receipt, token: primaryRefreshToken };
      const { certificate } = await ra.enroll(order);
      return { kind: 'issued', certificate: certificate.der };
    } catch (error) {
      if (error instanceof CountersignError && waitsForSync.has(error.code)) return { kind: 'not-synced' };
      throw error;
    }
  }
}

/** A receipt that ran out is of no more use: from then on only the sync helps. */
const waitsForSync: ReadonlySet<string> = new Set(['KEY_NOT_SYNCED', 'RECEIPT_EXPIRED']);

function isRefusedFactor(error: unknown): error is CountersignError {
  return error instanceof CountersignError && (error.code === 'MFA_FAILED' || error.code === 'MFA_TIMED_OUT');
}
