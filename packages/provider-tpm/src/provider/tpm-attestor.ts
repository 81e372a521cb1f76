import { join } from 'node:path';
import {
  CountersignError,
  type AttestationIdentity,
  type Certificate,
  type CertifiedEndorsementKey,
  type Credential,
  type TpmKeyEvidence,
} from '@countersign/core';
import { createFileExclusive, readFileIfExists } from '@countersign/state';
import {
  activateCredential,
  attestationKeyTemplate,
  collectEvidence,
  findEndorsementKeySlots,
  quotePcrs,
  readEndorsementCertificate,
  readEndorsementCertificateChain,
  withEndorsementKey,
  type EndorsementKeySlot,
  type SignedAttestation,
} from '../attestation/index.ts';
import { describeStoredKey, parseKeyFile, type StoredTpmKey } from '../keys/key-file.ts';
import { create, type PcrSelection } from '../session/index.ts';
import type { LoadableObject } from '../storage/object-slots.ts';
import type { TpmConnection } from './tpm-connection.ts';
import { loadable, withAuth } from './tpm-key.ts';

interface CertifiedSlot {
  readonly slot: EndorsementKeySlot;
  readonly certificate: Certificate;
}

/**
 * What a TPM says of itself and of its keys, signed by an attestation key that is made at first use and kept beside the
 * keys. It needs no PIN: it signs nothing but what the TPM itself says.
 */
export class TpmAttestor {
  readonly #connection: TpmConnection;
  readonly #path: string;

  /** @param directory in which the attestation key is kept */
  constructor(connection: TpmConnection, directory: string) {
    this.#connection = connection;
    this.#path = join(directory, 'attestation-key.pem');
  }

  async identity(): Promise<AttestationIdentity> {
    const { publicArea: attestationKey } = await this.#attestationKey();
    const { pool, slots } = this.#connection;
    return slots.withFreeSlots(async () => {
      const certified: CertifiedEndorsementKey[] = [];
      const chain = (await readEndorsementCertificateChain(pool)).map(({ der }) => der);
      for (const { slot, certificate } of await this.#certifiedSlots()) {
        const publicArea = await withEndorsementKey(
          pool,
          { slot, certificate },
          async (key) => key.publicArea,
        );
        certified.push({ publicArea, certificate: certificate.der, chain });
      }
      return { attestationKey, endorsementKeys: certified };
    });
  }

  async answerChallenge(challenge: Credential, endorsementKey: Uint8Array): Promise<Uint8Array> {
    const attestationKey = await this.#attestationKey();
    const { pool, slots } = this.#connection;
    return slots.useAlone(loadable(this.#connection, attestationKey), async (loaded) => {
      for (const { slot, certificate } of await this.#certifiedSlots()) {
        const secret = await withEndorsementKey(pool, { slot, certificate }, async (key) =>
          Buffer.compare(key.publicArea, endorsementKey) === 0
            ? activateCredential(pool, withAuth(loaded, noAuth), key, challenge)
            : undefined,
        );
        if (secret !== undefined) return secret;
      }
      throw notOfThisTpm();
    });
  }

  /** @param authValue of the key that is certified */
  async certify(key: LoadableObject, authValue: Uint8Array, nonce: Uint8Array): Promise<TpmKeyEvidence> {
    const attestationKey = loadable(this.#connection, await this.#attestationKey());
    const { pool, slots } = this.#connection;
    return slots.useBoth(key, attestationKey, async (certified, signer) =>
      collectEvidence(pool, {
        key: { ...withAuth(certified, authValue), publicArea: certified.publicArea },
        attestationKey: { ...withAuth(signer, noAuth), publicArea: signer.publicArea },
        nonce,
      }),
    );
  }

  async quote(nonce: Uint8Array, selections: readonly PcrSelection[]): Promise<SignedAttestation> {
    const attestationKey = loadable(this.#connection, await this.#attestationKey());
    const { pool, slots } = this.#connection;
    return slots.use(attestationKey, async (signer) =>
      quotePcrs(pool, { ...withAuth(signer, noAuth), publicArea: signer.publicArea }, nonce, selections),
    );
  }

  /** Where the manufacturer left a certificate of an endorsement key. */
  async #certifiedSlots(): Promise<readonly CertifiedSlot[]> {
    const { pool } = this.#connection;
    const found: CertifiedSlot[] = [];
    for (const slot of await findEndorsementKeySlots(pool)) {
      const certificate = await readEndorsementCertificate(pool, slot);
      if (certificate !== undefined) found.push({ slot, certificate });
    }
    return found;
  }

  async #attestationKey(): Promise<StoredTpmKey> {
    return (await this.#read()) ?? this.#make();
  }

  async #make(): Promise<StoredTpmKey> {
    const { pool, slots, storageRootKey } = this.#connection;
    const template = { publicArea: attestationKeyTemplate('p256'), authValue: noAuth };
    const { publicArea, privateArea } = await slots.withFreeSlots(async () =>
      create(pool, storageRootKey, template),
    );
    const blobs = { publicArea, privateArea, parent: storageRootKey.handle, emptyAuth: true };
    const made = describeStoredKey(blobs, 'attestation key');
    try {
      await createFileExclusive(this.#path, made.file);
      return made;
    } catch (error) {
      if (!(error instanceof CountersignError) || error.code !== 'STATE_EXISTS') throw error;
      // Another process was first.
      return (await this.#read()) ?? made;
    }
  }

  async #read(): Promise<StoredTpmKey | undefined> {
    const file = await readFileIfExists(this.#path, { maxBytes: 64 * 1024 });
    return file === undefined ? undefined : parseKeyFile(file);
  }
}

const noAuth = new Uint8Array();

function notOfThisTpm(): CountersignError {
  return new CountersignError(
    'EK_CERTIFICATE_MISMATCH',
    'the challenge is for an endorsement key that is none of the certified ones of this TPM',
    'Ask for a challenge with one of the endorsement keys that attestationIdentity gives.',
    { adcs: 'CERTSRV_E_INVALID_EK' },
  );
}
