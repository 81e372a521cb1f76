import {
  TpmPublicArea,
  type Credential,
  type KeyAlgorithm,
  type SignatureScheme,
  type TpmKeyEvidence,
} from '@countersign/core';
import { activateCredential, attestationKeyTemplate, collectEvidence } from '../attestation/index.ts';
import { readClock } from '../command/read-clock.ts';
import { signingKeyTemplate } from '../keys/key-templates.ts';
import { signatureOctets, SigningRequest } from '../keys/signing.ts';
import { parseTpmUri } from '../keys/tpm-uri.ts';
import { withAuth } from '../provider/tpm-key.ts';
import {
  commands,
  create,
  dictionaryAttackLockReset,
  entityNamedByHandle,
  permanentHandles,
  policySecret,
  sign,
} from '../session/index.ts';
import { TpmReader } from '../session/wire/tpm-reader.ts';
import { TpmWriter } from '../session/wire/tpm-writer.ts';
import type { SocketEndpoint } from '../transport/socket-connection.ts';
import { parseTransportUri } from '../transport/transport-uri.ts';
import {
  findEndorsementCertificates,
  readEndorsementChain,
  withInspectedEndorsementKey,
  type InspectedEndorsementCertificate,
  type InspectedEndorsementKey,
} from './inspected-endorsement.ts';
import { loadableKey, restoreInspectedKey, saveInspectedKey, type InspectedKey } from './inspected-key.ts';
import { InspectionConnection, type InspectionHoldings } from './inspection-connection.ts';
import type { InspectionParent } from './inspection-root.ts';
import { isLockedOut, refusesOwnAuth, withKnownAuth } from './known-auth.ts';
import { simulatorPower } from './simulator-power.ts';
import { readFacts, type InspectedFacts, type InspectedLockout } from './tpm-facts.ts';
import { vouchedChannel } from './vouched-channel.ts';

export interface TpmInspectionOptions {
  /** Which TPM, as `createTpmProvider` takes it; default `tpm:`, the machine's own. */
  readonly uri?: string;
  /** Of the lockout hierarchy, where it has one; for `resetLockout`. The caller wipes it after `close`. */
  readonly lockoutAuthValue?: Uint8Array;
  /** swtpm's control channel, where it is not in its usual place; for `restart`. */
  readonly control?: SocketEndpoint;
}

/**
 * Looks into a TPM and tries what it does, for those who must know whether it is fit: nothing here judges, and what the TPM
 * makes is handed on unverified. Keys lie outside of the TPM, and nothing is left in it.
 * @throws CountersignError `KEY_REFERENCE_MALFORMED`
 */
export function createTpmInspection(options: TpmInspectionOptions = {}): TpmInspection {
  return new TpmInspection(options);
}

export class TpmInspection {
  readonly description: string;
  /** Switches the TPM off, in good order, and on again; undefined for what is no simulator. */
  readonly restart: (() => Promise<void>) | undefined;
  readonly #options: TpmInspectionOptions;
  readonly #connection: InspectionConnection;
  readonly #secrets: Uint8Array[] = [];
  #endorsementGuarded = false;

  constructor(options: TpmInspectionOptions) {
    const { transport = 'tpm:' } = parseTpmUri(options.uri ?? 'tpm:');
    this.description = transport;
    this.#options = options;
    const power = simulatorPower(parseTransportUri(transport), options.control);
    this.#connection = new InspectionConnection(transport);
    this.restart = power && (async () => this.#connection.restart(power));
  }

  /** @throws CountersignError as `createTpmProvider` */
  async open(): Promise<void> {
    await this.#connection.open();
  }

  /** What the TPM holds, asked over a connection of its own: before `open` or after `close`. Nothing vouches for it. */
  async holdings(): Promise<InspectionHoldings> {
    return this.#connection.holdings();
  }

  async facts(): Promise<
    InspectedFacts & {
      readonly parent: InspectionParent;
      readonly lockout: InspectedLockout & { readonly resettable: boolean };
    }
  > {
    const facts = await this.#connection.use(async ({ pool }) =>
      withKnownAuth(async () => readFacts(vouchedChannel(pool))),
    );
    this.#endorsementGuarded = facts.endorsementGuarded;
    const { administratorSet } = facts.lockout;
    const resettable = !administratorSet || this.#options.lockoutAuthValue !== undefined;
    return { ...facts, parent: this.#connection.root.kind, lockout: { ...facts.lockout, resettable } };
  }

  /** One command for which the TPM computes nothing. */
  async roundTrip(): Promise<void> {
    await this.#connection.use(async ({ channel }) => readClock(channel));
  }

  /** @returns what one TPM2_GetRandom gave: 1 to `most` octets */
  async random(most: number): Promise<Uint8Array> {
    const parameters = new TpmWriter().u16(most).finish();
    const result = await this.#connection.use(async ({ pool }) =>
      withKnownAuth(async () => pool.execute({ layout: commands.getRandom, handles: [], parameters }, [])),
    );
    const reader = new TpmReader(result.parameters, 'response to TPM2_GetRandom');
    const octets = reader.sized();
    reader.end();
    if (octets.length > 0 && octets.length <= most) return octets;
    throw reader.malformed(`it has ${octets.length} octets, at most ${most} were asked for`);
  }

  /** Makes a signing key as `generate` of the provider does. @param spec.pin makes it count wrong ones */
  async createKey(spec: {
    readonly algorithm: KeyAlgorithm;
    readonly pin?: Uint8Array;
  }): Promise<InspectedKey> {
    return this.#create(signingKeyTemplate(spec.algorithm, spec.pin !== undefined), spec.pin);
  }

  async createAttestationKey(): Promise<InspectedKey> {
    return this.#create(attestationKeyTemplate('p256'), undefined);
  }

  /** Loads a key for as long as `work` takes. Signatures are not verified. */
  async withKey<T>(
    key: InspectedKey,
    work: (loaded: {
      readonly sign: (scheme: SignatureScheme, message: Uint8Array) => Promise<Uint8Array>;
    }) => Promise<T>,
  ): Promise<T> {
    const { publicKey } = TpmPublicArea.parse(key.publicArea);
    return this.#connection.use(async (connection) =>
      connection.slots.use(loadableKey(connection, key), async (loaded) =>
        work({
          sign: async (scheme, message) => {
            const request = new SigningRequest(publicKey, scheme, message);
            const authorized = withAuth(loaded, key.authValue);
            return signatureOctets(
              await withKnownAuth(async () =>
                sign(connection.pool, authorized, request.digest, request.scheme),
              ),
            );
          },
        }),
      ),
    );
  }

  /** One try, which counts if it is wrong (TPM2_PolicySecret). */
  async tryPin(key: InspectedKey, pin: Uint8Array): Promise<'accepted' | 'refused' | 'locked'> {
    return this.#connection.use(async (connection) =>
      connection.slots.use(loadableKey(connection, key), async (loaded) => {
        const { pool } = connection;
        const session = await pool.startPolicySession('trial');
        try {
          await policySecret(pool, session, withAuth(loaded, pin));
          return 'accepted';
        } catch (error) {
          if (isLockedOut(error)) return 'locked';
          if (refusesOwnAuth(error)) return 'refused';
          throw error;
        } finally {
          await pool.endPolicySession(session);
        }
      }),
    );
  }

  /** TPM2_DictionaryAttackLockReset. A wrong authValue would lock the lockout hierarchy itself. */
  async resetLockout(): Promise<void> {
    const authValue = this.#options.lockoutAuthValue ?? new Uint8Array();
    const lockout = entityNamedByHandle(permanentHandles.lockout);
    await this.#connection.use(async ({ pool }) =>
      dictionaryAttackLockReset(pool, withAuth(lockout, authValue)),
    );
  }

  async endorsementCertificates(): Promise<readonly InspectedEndorsementCertificate[]> {
    return this.#connection.use(async ({ pool }) =>
      withKnownAuth(async () => findEndorsementCertificates(pool)),
    );
  }

  /** DER of the CAs above them that the TPM brings along. */
  async endorsementChain(): Promise<readonly Uint8Array[]> {
    return this.#connection.use(async ({ pool }) => withKnownAuth(async () => readEndorsementChain(pool)));
  }

  /**
   * The endorsement key of a certificate; without one, the key that the first template makes.
   * @throws CountersignError `EK_CERTIFICATE_MISMATCH`, `EK_TEMPLATE_MISMATCH`; what the TPM refuses
   */
  async endorsementKey(certificate?: InspectedEndorsementCertificate): Promise<InspectedEndorsementKey> {
    return this.#connection.use(async ({ pool, slots }) =>
      slots.withFreeSlots(async () =>
        this.#asEndorsement(async () =>
          withInspectedEndorsementKey(pool, certificate, async ({ slot, publicArea, template }) => ({
            slot,
            publicArea,
            template,
          })),
        ),
      ),
    );
  }

  /** TPM2_Certify. */
  async certify(key: InspectedKey, attestationKey: InspectedKey, nonce: Uint8Array): Promise<TpmKeyEvidence> {
    return this.#connection.use(async (connection) =>
      connection.slots.useBoth(
        loadableKey(connection, key),
        loadableKey(connection, attestationKey),
        async (loaded, signer) =>
          withKnownAuth(async () =>
            collectEvidence(connection.pool, {
              key: { ...withAuth(loaded, key.authValue), publicArea: key.publicArea },
              attestationKey: {
                ...withAuth(signer, attestationKey.authValue),
                publicArea: attestationKey.publicArea,
              },
              nonce,
            }),
          ),
      ),
    );
  }

  /** TPM2_ActivateCredential with the endorsement key that `endorsementKey` gives. @returns the secret; the caller wipes it */
  async activate(
    challenge: Credential,
    attestationKey: InspectedKey,
    certificate: InspectedEndorsementCertificate | undefined,
  ): Promise<Uint8Array> {
    return this.#connection.use(async (connection) =>
      connection.slots.useAlone(loadableKey(connection, attestationKey), async (loaded) =>
        this.#asEndorsement(async () =>
          withInspectedEndorsementKey(connection.pool, certificate, async ({ key }) =>
            activateCredential(connection.pool, withAuth(loaded, attestationKey.authValue), key, challenge),
          ),
        ),
      ),
    );
  }

  saveKey(key: InspectedKey): string {
    return saveInspectedKey(key, this.#connection.opened.storageRootKey.handle);
  }

  restoreKey(saved: string): InspectedKey {
    return restoreInspectedKey(saved);
  }

  async close(): Promise<void> {
    for (const secret of this.#secrets) secret.fill(0);
    await this.#connection.close();
  }

  async #create(publicArea: Uint8Array, pin: Uint8Array | undefined): Promise<InspectedKey> {
    const authValue = Uint8Array.from(pin ?? []);
    this.#secrets.push(authValue);
    return this.#connection.use(async ({ pool, slots, storageRootKey }) =>
      slots.withFreeSlots(async () => {
        const start = performance.now();
        const made = await withKnownAuth(async () => create(pool, storageRootKey, { publicArea, authValue }));
        const madeInMs = performance.now() - start;
        return { publicArea: made.publicArea, privateArea: made.privateArea, authValue, madeInMs };
      }),
    );
  }

  /** Where the endorsement hierarchy has an authValue, that it is refused says nothing of the way there. */
  async #asEndorsement<T>(work: () => Promise<T>): Promise<T> {
    return this.#endorsementGuarded ? work() : withKnownAuth(work);
  }
}
