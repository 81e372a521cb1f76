import {
  Certificate,
  CountersignError,
  type CertificateStore,
  type ClaimsKeyOrigin,
  type Key,
  type KeyDescription,
  type KeyProvider,
  type KeySpec,
  type PinProtected,
  type ProviderInfo,
  type StoredCertificate,
} from '@countersign/core';
import type { Session } from 'graphene-pk11';
import { certificatesOf, destroyObject, writeCertificate } from './certificate-objects.ts';
import { HandedOutKeys } from './handed-out-keys.ts';
import { destroyLeftovers, generateKeyPair } from './key-generation.ts';
import { assertNamesKeysOf, exactlyOne, matchesKey, refOf, type LocatedKey } from './key-lookup.ts';
import { findKeys, findPrivateKey, findPublicKeys, type FoundKey } from './key-objects.ts';
import { findModule } from './module-path.ts';
import { Pkcs11Key, providerClosed, type KeyPlace } from './pkcs11-key.ts';
import { parsePkcs11Uri, type Pkcs11Uri } from './pkcs11-uri.ts';
import { withCopy } from './pin.ts';
import type { PinState } from './pin-state.ts';
import { ProviderTokens, type ProviderToken } from './provider-tokens.ts';
import type { SessionMode } from './session-pool.ts';
import { SharedModule } from './shared-module.ts';

export interface Pkcs11ProviderOptions {
  /**
   * RFC 7512 URI of the module (`module-path` or `module-name`) and, where the module has several tokens, of the token
   * (`token`, `serial`, …) that keys are made on. With a `pin-source` the provider unlocks by itself.
   */
  readonly uri: string;
  /** What some modules want in CK_C_INITIALIZE_ARGS.LibraryParameters; NSS: `configdir='sql:DIR' …`. */
  readonly libraryParameters?: string;
  /** Sessions at a time with each token, 1 to 1024; one more holds the login. Default 8. */
  readonly maxSessions?: number;
  /** Try a PIN even when the token says that one more wrong one locks it. Default false. */
  readonly allowFinalPinTry?: boolean;
  /** Make keys that want the PIN with every signature (CKA_ALWAYS_AUTHENTICATE). Default false. */
  readonly alwaysAuthenticate?: boolean;
}

/** A key on a token. */
export interface TokenKey extends Key, PinProtected, ClaimsKeyOrigin {
  /** All that the token says of the PIN tries that are left. */
  pinState(): Promise<PinState>;
}

export interface Pkcs11Provider extends KeyProvider, CertificateStore {
  generate(spec: KeySpec): Promise<TokenKey>;
  /** The key comes back locked, or unlocked if a pin-source is named. */
  open(ref: string): Promise<TokenKey>;
}

/**
 * Loads and initializes the module. The token need not be there yet.
 * @throws CountersignError `PROVIDER_NOT_AVAILABLE`, `KEY_REFERENCE_MALFORMED`, `VALUE_OUT_OF_RANGE`
 */
export async function createPkcs11Provider(options: Pkcs11ProviderOptions): Promise<Pkcs11Provider> {
  const uri = parsePkcs11Uri(options.uri);
  const maxSessions = checkMaxSessions(options.maxSessions ?? 8);
  const shared = await SharedModule.acquire(await findModule(uri), options.libraryParameters);
  return new TokenKeyProvider(shared, uri, maxSessions, options);
}

class TokenKeyProvider implements Pkcs11Provider {
  readonly #shared: SharedModule;
  readonly #uri: Pkcs11Uri;
  readonly #tokens: ProviderTokens;
  readonly #options: Pkcs11ProviderOptions;
  readonly #handedOut = new HandedOutKeys();
  #closing: Promise<void> | undefined;

  constructor(shared: SharedModule, uri: Pkcs11Uri, maxSessions: number, options: Pkcs11ProviderOptions) {
    this.#shared = shared;
    this.#uri = uri;
    this.#options = options;
    this.#tokens = new ProviderTokens(shared, uri, maxSessions, options.allowFinalPinTry ?? false);
  }

  /** Read anew each time: tokens come and go. */
  get info(): ProviderInfo {
    return {
      scheme: 'pkcs11',
      description: `keys in PKCS#11 tokens of ${this.#shared.path}`,
      algorithms: this.#closing === undefined ? this.#tokens.algorithms() : [],
      destruction:
        'C_DestroyObject removed it from the token, and C_FindObjects no longer finds it; whether the token overwrites the ' +
        'storage, and what backups or replicas the token’s operator keeps, is for its vendor to say',
    };
  }

  async generate(spec: KeySpec): Promise<TokenKey> {
    const label = checkLabel(spec.label ?? '');
    const pin = spec.pin ?? new Uint8Array(0);
    return withCopy(pin, async (copy) => {
      this.#assertOpen();
      const token = this.#tokens.only();
      token.algorithms.assertMakes(spec.algorithm);
      const logIn = async (): Promise<() => void> =>
        spec.pin === undefined ? token.logIn() : token.logInWith(copy, this.#allowFinalTry);
      const options = {
        algorithm: spec.algorithm,
        label,
        alwaysAuthenticate: this.#options.alwaysAuthenticate ?? false,
        assertWanted: () => this.#assertOpen(),
      };
      const leftovers: Buffer[] = [];
      const release = await logIn();
      try {
        const made = await token.connection.run('read-write', (session) => {
          token.assertLoggedIn();
          return token.connection.login.during(() => generateKeyPair(session, options, leftovers));
        });
        // Until the caller has it.
        leftovers.push(made.id);
        const key = this.#handOut({ place: token, key: made }, [], this.#uri);
        if (spec.pin === undefined) await key.unlockFromLogin();
        else await key.unlock(copy);
        // Of attempts before the one that succeeded.
        const inVain = leftovers.slice(0, -1);
        if (inVain.length > 0) await destroyLeftovers(token, inVain, logIn, undefined);
        return key;
      } catch (error) {
        if (leftovers.length > 0) await destroyLeftovers(token, leftovers, logIn, error);
        throw error;
      } finally {
        release();
      }
    });
  }

  async open(ref: string): Promise<TokenKey> {
    const uri = parsePkcs11Uri(ref);
    const { located, neighbours } = await this.#lookUp(uri);
    const key = this.#handOut(located, neighbours, uri);
    if ((uri.pinSource ?? this.#uri.pinSource) !== undefined) await key.unlockFromSource();
    return key;
  }

  async list(): Promise<readonly KeyDescription[]> {
    return (await this.#locateAll()).map(({ place, key }, _, all) => ({
      ref: refOf(place.identity, key, neighboursOf(place, all), this.#shared.path),
      label: key.label,
      algorithm: key.publicKey.algorithm,
      publicKey: Uint8Array.from(key.publicKey.subjectPublicKeyInfo),
    }));
  }

  async destroy(ref: string): Promise<void> {
    let isPrivateHalfGone = false;
    await this.#change(ref, (session, key) => {
      const certificates = certificatesOf(session, key).map(({ object }) => object);
      const publicKeys = findPublicKeys(session, key);
      // The private half first: if anything fails, what is left is of no use to anyone.
      if (!isPrivateHalfGone) destroyObject(findPrivateKey(session, key));
      // Where the rest has to be tried again, in a fresh session, it is not looked for any more.
      isPrivateHalfGone = true;
      this.#handedOut.revokeDestroyed(key);
      for (const object of [...certificates, ...publicKeys]) destroyObject(object);
    });
  }

  async putCertificate(ref: string, certificate: Uint8Array): Promise<void> {
    const parsed = Certificate.parse(Uint8Array.from(certificate));
    await this.#change(ref, (session, key) => {
      if (!parsed.publicKey.equals(key.publicKey)) throw certificateMismatch();
      writeCertificate(session, key, parsed);
    });
  }

  async getCertificate(ref: string): Promise<Uint8Array | undefined> {
    const { place, key } = (await this.#lookUp(parsePkcs11Uri(ref))).located;
    return this.#in(place, 'read-only', (session) => certificatesOf(session, key)[0]?.certificate.der);
  }

  async listCertificates(): Promise<readonly StoredCertificate[]> {
    const all = await this.#locateAll();
    const found: StoredCertificate[] = [];
    for (const { place, key } of all) {
      const ref = refOf(place.identity, key, neighboursOf(place, all), this.#shared.path);
      const [first] = await this.#in(place, 'read-only', (session) => certificatesOf(session, key));
      if (first !== undefined) found.push({ ref, certificate: first.certificate.der });
    }
    return found;
  }

  async removeCertificate(ref: string): Promise<void> {
    await this.#change(ref, (session, key) => {
      for (const { object } of certificatesOf(session, key)) destroyObject(object);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  /** C_Finalize with anything in flight crashes modules, so everything ends first. */
  async #closeOnce(): Promise<void> {
    this.#handedOut.revokeAll();
    await this.#tokens.close();
    this.#shared.release();
  }

  async #change(ref: string, work: (session: Session, key: FoundKey) => void): Promise<void> {
    const { place, key } = (await this.#lookUp(parsePkcs11Uri(ref))).located;
    const release = await place.logIn();
    try {
      await this.#in(place, 'read-write', (session) => {
        place.assertLoggedIn();
        work(session, key);
      });
    } finally {
      release();
    }
  }

  async #lookUp(uri: Pkcs11Uri): Promise<{
    readonly located: LocatedKey<ProviderToken>;
    readonly neighbours: readonly FoundKey[];
  }> {
    this.#assertOpen();
    await assertNamesKeysOf(uri, this.#shared.path);
    const all = await this.#locateAll(uri);
    const located = exactlyOne(
      all.filter(({ key }) => matchesKey(uri, key)),
      all,
    );
    return { located, neighbours: neighboursOf(located.place, all) };
  }

  async #locateAll(uri: Pkcs11Uri = {}): Promise<readonly LocatedKey<ProviderToken>[]> {
    this.#assertOpen();
    const located: LocatedKey<ProviderToken>[] = [];
    for (const place of this.#tokens.matching(uri)) {
      if ((uri.pinSource ?? this.#uri.pinSource) !== undefined) await place.logInFrom(uri.pinSource);
      const keys = await this.#in(place, 'read-only', (session) => findKeys(session, place.seesPrivateKeys));
      for (const key of keys) located.push({ place, key });
    }
    return located;
  }

  async #in<T>(place: ProviderToken, mode: SessionMode, work: (session: Session) => T): Promise<T> {
    this.#assertOpen();
    return place.connection.run(mode, (session) => {
      this.#assertOpen();
      return work(session);
    });
  }

  #handOut(
    { place, key }: LocatedKey<ProviderToken>,
    neighbours: readonly FoundKey[],
    uri: Pkcs11Uri,
  ): Pkcs11Key {
    this.#assertOpen();
    const keyPlace: KeyPlace = {
      owner: place.owner,
      connection: place.connection,
      pace: place.paceOf(key.publicKey.algorithm),
      allowFinalTry: this.#allowFinalTry,
      pinSource: uri.pinSource ?? this.#uri.pinSource,
    };
    const ref = refOf(place.identity, key, neighbours, this.#shared.path);
    const handedOut = new Pkcs11Key(key, ref, place.algorithms.schemesOf(key.publicKey.algorithm), keyPlace);
    this.#handedOut.add(handedOut);
    return handedOut;
  }

  get #allowFinalTry(): boolean {
    return this.#options.allowFinalPinTry ?? false;
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw providerClosed();
  }
}

function neighboursOf(place: ProviderToken, all: readonly LocatedKey<ProviderToken>[]): readonly FoundKey[] {
  return all.filter((other) => other.place === place).map(({ key }) => key);
}

const maxLabelCharacters = 255;

function checkLabel(label: string): string {
  if (label.isWellFormed() && label.length <= maxLabelCharacters && !label.includes('\0')) return label;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `the label is not well-formed Unicode of at most ${maxLabelCharacters} characters without NUL`,
    'Choose another label.',
  );
}

function checkMaxSessions(maxSessions: number): number {
  if (Number.isInteger(maxSessions) && maxSessions >= 1 && maxSessions <= 1024) return maxSessions;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `maxSessions is ${maxSessions}; expected a whole number from 1 to 1024`,
    'Leave it out, or give the number of sessions that the token’s manual names.',
  );
}

function certificateMismatch(): CountersignError {
  return new CountersignError(
    'CERTIFICATE_KEY_MISMATCH',
    'the certificate is for another key than the one it should lie beside',
    'Check which key was in the request that this certificate answers.',
  );
}
