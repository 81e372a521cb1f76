import { join, resolve } from 'node:path';
import {
  Certificate,
  CountersignError,
  type AttestationIdentity,
  type AttestsDevice,
  type AttestsKey,
  type CertificateStore,
  type Credential,
  type Key,
  type KeyDescription,
  type KeyProvider,
  type KeySpec,
  type PinProtected,
  type ProviderInfo,
  type StoredCertificate,
} from '@countersign/core';
import { defaultStateDirectory, KeyDirectory } from '@countersign/state';
import { assertNewPin } from '../keys/auth-value.ts';
import { describeStoredKey, parseKeyFile, readStoredKey, type StoredTpmKey } from '../keys/key-file.ts';
import { signingKeyTemplate } from '../keys/key-templates.ts';
import { formatTpmUri, parseTpmUri } from '../keys/tpm-uri.ts';
import type { SignedAttestation } from '../attestation/index.ts';
import { create, parsePublicArea, type PcrSelection } from '../session/index.ts';
import { findOrMakeStorageRootKey } from '../storage/storage-root-key.ts';
import { bindToTpm } from '../storage/tpm-binding.ts';
import { openTransport } from '../transport/open-transport.ts';
import { HandedOutKeys } from './handed-out-keys.ts';
import { lookUp } from './key-lookup.ts';
import { TpmAttestor } from './tpm-attestor.ts';
import { TpmConnection } from './tpm-connection.ts';
import {
  loadable,
  PinProtectedTpmKey,
  providerClosed,
  slotKeyOf,
  TpmKey,
  type TpmKeyPlace,
} from './tpm-key.ts';

export interface TpmProviderOptions {
  /**
   * Which TPM, and where its keys lie: `tpm:` for the machine's own, `tpm:swtpm=127.0.0.1:2321` and the like for others,
   * with `?store=<absolute path>`.
   */
  readonly uri?: string;
  /** Where key files and certificates are kept, if the URI does not say; made with mode 0700. Default: the user's own. */
  readonly storeDirectory?: string;
  /** Of the owner hierarchy, needed only to make a storage root key where there is none. Default: empty. */
  readonly ownerAuthValue?: Uint8Array;
  /** Try a PIN even when one more wrong one locks the TPM. Default false. */
  readonly allowFinalPinTry?: boolean;
}

/** Keys of a TPM 2.0, kept in files that only this TPM can use. A key made with a PIN is `PinProtected`. */
export interface TpmProvider extends KeyProvider, CertificateStore, AttestsDevice {
  generate(spec: KeySpec & { readonly pin: Uint8Array }): Promise<Key & AttestsKey & PinProtected>;
  generate(spec: KeySpec): Promise<Key & AttestsKey>;
  open(ref: string): Promise<Key & AttestsKey>;
  /**
   * Takes a key that another program made in this TPM.
   * @param file in TSS2 PRIVATE KEY format, PEM or DER
   * @returns its reference
   * @throws CountersignError `KEY_NOT_ACCEPTABLE`, `KEY_HELD_ELSEWHERE` if this TPM does not load it, `KEY_EXISTS`
   */
  importKeyFile(file: Uint8Array, label?: string): Promise<string>;
  /** @returns the key in TSS2 PRIVATE KEY format, PEM, for other programs that use this TPM; the PIN stays what it is */
  exportKeyFile(ref: string): Promise<Uint8Array>;
  /**
   * Has the attestation key say what PCRs hold (TPM2_Quote).
   * @param nonce the verifier's, 1 to 66 octets
   */
  quote(nonce: Uint8Array, selections: readonly PcrSelection[]): Promise<SignedAttestation>;
}

/**
 * @throws CountersignError `TPM_NOT_FOUND`, `TPM_NOT_PERMITTED`, `TPM_BUSY`, `TPM_VERSION_NOT_SUPPORTED` and the like if
 *   there is no TPM to use; `KEY_HELD_ELSEWHERE` if the directory belongs to another one; `KEY_REFERENCE_MALFORMED`
 */
export async function createTpmProvider(options: TpmProviderOptions = {}): Promise<TpmProvider> {
  const { transport = 'tpm:', store } = parseTpmUri(options.uri ?? 'tpm:');
  const directory = resolve(store ?? options.storeDirectory ?? join(defaultStateDirectory(), 'tpm-keys'));
  const files = await KeyDirectory.open(directory, '.tss2.pem');
  const ownerAuthValue = options.ownerAuthValue ?? new Uint8Array();
  const connection = await TpmConnection.open(await openTransport(transport), {
    obtain: async (channel) => findOrMakeStorageRootKey(channel, ownerAuthValue),
    trust: async (storageRootKey) => bindToTpm(directory, storageRootKey),
  });
  return new TpmKeyProvider(connection, files, transport, options.allowFinalPinTry ?? false);
}

class TpmKeyProvider implements TpmProvider {
  readonly info: ProviderInfo;
  readonly #connection: TpmConnection;
  readonly #files: KeyDirectory;
  readonly #transport: string;
  readonly #place: TpmKeyPlace;
  readonly #handedOut = new HandedOutKeys();
  #closing: Promise<void> | undefined;

  constructor(connection: TpmConnection, files: KeyDirectory, transport: string, allowFinalPinTry: boolean) {
    this.#connection = connection;
    this.#files = files;
    this.#transport = transport;
    const attestor = new TpmAttestor(connection, files.path);
    this.#place = {
      connection,
      files,
      attestor,
      allowFinalPinTry,
      pinChanged: (id) => this.#handedOut.lock(id),
    };
    this.info = {
      scheme: 'tpm',
      description: `keys of a TPM 2.0 (${connection.abilities.description}), in ${files.path}`,
      algorithms: connection.abilities.algorithms,
      destruction:
        'the key file, encrypted by the TPM, was removed; a copy of it elsewhere can be used in this TPM with its PIN until ' +
        'the TPM is cleared',
    };
  }

  generate(spec: KeySpec & { readonly pin: Uint8Array }): Promise<Key & AttestsKey & PinProtected>;
  generate(spec: KeySpec): Promise<Key & AttestsKey>;
  async generate(spec: KeySpec): Promise<Key & AttestsKey> {
    this.#assertOpen();
    this.#assertMakes(spec.algorithm);
    const label = checkLabel(spec.label ?? '');
    const pin = Uint8Array.from(spec.pin ?? []);
    try {
      if (spec.pin !== undefined) assertNewPin(pin);
      const stored = await this.#create(spec, label, pin);
      await this.#files.add(stored.id, stored.file);
      if (this.#closing !== undefined) {
        // Nobody will be told of this key.
        await this.#files.remove(stored.id);
        throw providerClosed();
      }
      const key = this.#handOut(stored);
      if (key instanceof PinProtectedTpmKey) key.unlockAsMade(pin);
      return key;
    } finally {
      pin.fill(0);
    }
  }

  async open(ref: string): Promise<Key & AttestsKey> {
    return this.#handOut(await this.#lookUp(ref));
  }

  async list(): Promise<readonly KeyDescription[]> {
    return (await this.#readAll()).map((stored) => ({
      ref: this.#refOf(stored.id),
      label: stored.label,
      algorithm: stored.key.algorithm,
      publicKey: Uint8Array.from(stored.key.subjectPublicKeyInfo),
    }));
  }

  async destroy(ref: string): Promise<void> {
    const stored = await this.#lookUp(ref);
    await this.#files.remove(stored.id);
    this.#handedOut.revokeDestroyed(stored.id);
    await this.#connection.slots.drop(slotKeyOf(stored));
  }

  async putCertificate(ref: string, certificate: Uint8Array): Promise<void> {
    const { der, publicKey, serialNumber } = Certificate.parse(Uint8Array.from(certificate));
    const { id, key } = await this.#lookUp(ref);
    if (!publicKey.equals(key)) throw certificateMismatch(serialNumber, publicKey.keyId, key.keyId);
    await this.#files.putCertificate(id, der);
  }

  async getCertificate(ref: string): Promise<Uint8Array | undefined> {
    return this.#files.findCertificate((await this.#lookUp(ref)).id);
  }

  async listCertificates(): Promise<readonly StoredCertificate[]> {
    const found: StoredCertificate[] = [];
    for (const { id } of await this.#readAll()) {
      const certificate = await this.#files.findCertificate(id);
      if (certificate !== undefined) found.push({ ref: this.#refOf(id), certificate });
    }
    return found;
  }

  async removeCertificate(ref: string): Promise<void> {
    await this.#files.removeCertificate((await this.#lookUp(ref)).id);
  }

  async importKeyFile(file: Uint8Array, label?: string): Promise<string> {
    this.#assertOpen();
    const parsed = parseKeyFile(Uint8Array.from(file));
    const stored = describeStoredKey(parsed, checkLabel(label ?? parsed.label));
    assertSigns(stored);
    await this.#assertLoads(stored);
    try {
      await this.#files.add(stored.id, stored.file);
    } catch (error) {
      if (error instanceof CountersignError && error.code === 'STATE_EXISTS')
        throw keyExists(stored.id, error);
      throw error;
    }
    return this.#refOf(stored.id);
  }

  async exportKeyFile(ref: string): Promise<Uint8Array> {
    return Uint8Array.from((await this.#lookUp(ref)).file);
  }

  async attestationIdentity(): Promise<AttestationIdentity> {
    this.#assertOpen();
    return this.#place.attestor.identity();
  }

  async answerChallenge(challenge: Credential, endorsementKey: Uint8Array): Promise<Uint8Array> {
    this.#assertOpen();
    return this.#place.attestor.answerChallenge(challenge, endorsementKey);
  }

  async quote(nonce: Uint8Array, selections: readonly PcrSelection[]): Promise<SignedAttestation> {
    this.#assertOpen();
    return this.#place.attestor.quote(Uint8Array.from(nonce), selections);
  }

  close(): Promise<void> {
    this.#handedOut.revokeAll();
    this.#closing ??= this.#connection.close();
    return this.#closing;
  }

  /** A key that the TPM made and loads again: whatever else it returned is not written anywhere. */
  async #create(spec: KeySpec, label: string, pin: Uint8Array): Promise<StoredTpmKey> {
    const { pool, slots, storageRootKey } = this.#connection;
    const template = signingKeyTemplate(spec.algorithm, spec.pin !== undefined);
    const made = await slots.withFreeSlots(async () =>
      create(pool, storageRootKey, { publicArea: template, authValue: pin }),
    );
    const { publicArea, privateArea } = made;
    const blobs = {
      publicArea,
      privateArea,
      parent: storageRootKey.handle,
      emptyAuth: spec.pin === undefined,
    };
    const stored = describeStoredKey(blobs, label);
    assertMadeAs(spec, stored, template);
    await this.#assertLoads(stored);
    return stored;
  }

  async #assertLoads(stored: StoredTpmKey): Promise<void> {
    const { slots } = this.#connection;
    try {
      await slots.use(loadable(this.#connection, stored), async () => undefined);
    } catch (cause) {
      if (!(cause instanceof CountersignError) || cause.code !== 'TPM_REFUSED') throw cause;
      throw new CountersignError(
        'KEY_HELD_ELSEWHERE',
        `this TPM does not load the key: ${cause.message}`,
        'Use it in the TPM that it was made in. After TPM2_Clear its keys are lost.',
        { cause },
      );
    }
  }

  async #readAll(): Promise<readonly StoredTpmKey[]> {
    this.#assertOpen();
    const found: StoredTpmKey[] = [];
    for (const id of await this.#files.ids()) {
      const file = await this.#files.read(id);
      if (file !== undefined) found.push(readStoredKey(file, id, this.#files.pathOf(id)));
    }
    return found;
  }

  async #lookUp(ref: string): Promise<StoredTpmKey> {
    const { directory, transport } = { directory: this.#files.path, transport: this.#transport };
    const refOf = (id: string): string => this.#refOf(id);
    return lookUp(ref, { directory, transport, refOf }, async () => this.#readAll());
  }

  #handOut(stored: StoredTpmKey): TpmKey {
    this.#assertOpen();
    const KeyClass = stored.emptyAuth ? TpmKey : PinProtectedTpmKey;
    const key = new KeyClass(stored, this.#refOf(stored.id), this.#place);
    this.#handedOut.add(key);
    return key;
  }

  #refOf(id: string): string {
    return formatTpmUri({ transport: this.#transport, id, store: this.#files.path });
  }

  #assertMakes(algorithm: KeySpec['algorithm']): void {
    const { algorithms } = this.info;
    if (algorithms.includes(algorithm)) return;
    throw new CountersignError(
      'ALGORITHM_NOT_SUPPORTED',
      `this TPM makes no ${algorithm} keys`,
      `Choose one of ${algorithms.join(', ')}.`,
    );
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw providerClosed();
  }
}

/** Attributes and policy are part of the template that a session protected; what came back must have them. */
function assertMadeAs(spec: KeySpec, stored: StoredTpmKey, template: Uint8Array): void {
  const [made, wanted] = [parsePublicArea(stored.publicArea), parsePublicArea(template)];
  if (
    stored.key.algorithm === spec.algorithm &&
    made.attributes === wanted.attributes &&
    made.authPolicy.length === 0
  ) {
    return;
  }
  throw new CountersignError(
    'TPM_RESPONSE_NOT_AUTHENTIC',
    `the TPM made a ${stored.key.algorithm} key with the attributes 0x${made.attributes.toString(16)}; asked for was ${spec.algorithm} with 0x${wanted.attributes.toString(16)}`,
    'Do not use this TPM: it is faulty, or somebody stands between.',
  );
}

function assertSigns(stored: StoredTpmKey): void {
  const { attributes } = parsePublicArea(stored.publicArea);
  const [sign, restricted, userWithAuth] = [0x40000, 0x10000, 0x40];
  if ((attributes & sign) !== 0 && (attributes & restricted) === 0 && (attributes & userWithAuth) !== 0)
    return;
  throw new CountersignError(
    'KEY_NOT_ACCEPTABLE',
    `the key in the file does not sign messages with its authValue (attributes 0x${attributes.toString(16)})`,
    'Make a key with the attributes sign and userWithAuth, and without restricted.',
  );
}

const maxLabelCharacters = 255;

function checkLabel(label: string): string {
  if (label.isWellFormed() && label.length <= maxLabelCharacters) return label;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `the label is not well-formed Unicode of at most ${maxLabelCharacters} characters`,
    'Choose a shorter label.',
  );
}

function certificateMismatch(serialNumber: string, certified: string, keyId: string): CountersignError {
  return new CountersignError(
    'CERTIFICATE_KEY_MISMATCH',
    `the certificate ${serialNumber} is for the key ${certified}, not for ${keyId}`,
    'Put it beside the key that its request was made with.',
  );
}

function keyExists(id: string, cause: CountersignError): CountersignError {
  return new CountersignError(
    'KEY_EXISTS',
    `the key ${id} is in the store already`,
    'Use it under its reference, or destroy it first.',
    { cause },
  );
}
