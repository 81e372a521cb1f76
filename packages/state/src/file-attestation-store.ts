import { join } from 'node:path';
import type {
  Activation,
  ActivationStore,
  AttestationNonce,
  ChallengeStore,
  Endorsement,
  NonceStore,
  PendingChallenge,
} from '@countersign/core';
import { writeFileAtomic } from './atomic-file.ts';
import { JsonObject, parseJsonDocument } from './json-document.ts';
import { withLock } from './lock.ts';
import { ensurePrivateDirectory } from './private-directory.ts';
import { readFileIfExists } from './read-file.ts';

/**
 * Challenges, activations and nonces in one file, which RA and CA of a machine share. What a method resolved with has
 * reached stable storage.
 *
 * Its methods throw CountersignError `STATE_DAMAGED` if the file is not what was written.
 */
export class FileAttestationStore implements ChallengeStore, ActivationStore, NonceStore {
  readonly #directory: string;

  /** @param directory made if missing, readable by its owner alone */
  constructor(directory: string) {
    this.#directory = directory;
  }

  async put(challenge: PendingChallenge): Promise<void> {
    await this.#change(({ challenges }) => challenges.set(challenge.id, challenge));
  }

  async take(id: string): Promise<PendingChallenge | undefined> {
    return this.#change(({ challenges }) => {
      const challenge = challenges.get(id);
      challenges.delete(id);
      return challenge;
    });
  }

  async removeExpired(at: Date): Promise<void> {
    await this.#change(({ challenges }) => removeExpired(challenges, at));
  }

  async record(activation: Activation): Promise<void> {
    await this.#change(({ activations }) => activations.set(hex(activation.attestationKeyName), activation));
  }

  async find(attestationKeyName: Uint8Array): Promise<Activation | undefined> {
    return (await this.#read()).activations.get(hex(attestationKeyName));
  }

  async addNonce(nonce: AttestationNonce): Promise<void> {
    await this.#change(({ nonces }) => nonces.set(hex(nonce.nonce), nonce));
  }

  async bindNonce(nonce: Uint8Array, keyId: string): Promise<AttestationNonce | undefined> {
    return this.#change(({ nonces }) => {
      const found = nonces.get(hex(nonce));
      if (found === undefined) return undefined;
      const bound = { ...found, keyId: found.keyId ?? keyId };
      nonces.set(hex(nonce), bound);
      return bound;
    });
  }

  async removeExpiredNonces(at: Date): Promise<void> {
    await this.#change(({ nonces }) => removeExpired(nonces, at));
  }

  async #change<T>(change: (contents: Contents) => T): Promise<T> {
    await ensurePrivateDirectory(this.#directory);
    return withLock(join(this.#directory, 'attestation.lock'), async () => {
      const contents = await this.#read();
      const result = change(contents);
      await writeFileAtomic(this.#path, format(contents));
      return result;
    });
  }

  async #read(): Promise<Contents> {
    const bytes = await readFileIfExists(this.#path);
    return bytes === undefined
      ? { challenges: new Map(), activations: new Map(), nonces: new Map() }
      : parse(bytes, this.#path);
  }

  get #path(): string {
    return join(this.#directory, 'attestation.json');
  }
}

interface Contents {
  readonly challenges: Map<string, PendingChallenge>;
  readonly activations: Map<string, Activation>;
  readonly nonces: Map<string, AttestationNonce>;
}

function removeExpired(entries: Map<string, { readonly expiresAt: Date }>, at: Date): void {
  for (const [id, { expiresAt }] of entries) if (expiresAt < at) entries.delete(id);
}

function format({ challenges, activations, nonces }: Contents): string {
  const document = {
    format: 'countersign-attestation',
    version: 1,
    challenges: Array.from(challenges.values(), withHex),
    activations: Array.from(activations.values(), withHex),
    nonces: Array.from(nonces.values(), withHex),
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

/** Octets as hex, one level down too: before JSON asks a Buffer for its own idea of it. */
function withHex(record: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]: [string, unknown]) => {
      if (value instanceof Uint8Array) return [name, hex(value)];
      const isPlain = typeof value === 'object' && value !== null && !(value instanceof Date);
      return [name, isPlain ? withHex(value) : value];
    }),
  );
}

function parse(bytes: Uint8Array, path: string): Contents {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-attestation']);
  document.integer('version', { min: 1, max: 1 });
  const challenges = document.objects('challenges').map(parseChallenge);
  const activations = document.objects('activations').map(parseActivation);
  const nonces = document.objects('nonces').map(parseNonce);
  document.end();
  return {
    challenges: new Map(challenges.map((challenge) => [challenge.id, challenge])),
    activations: new Map(activations.map((activation) => [hex(activation.attestationKeyName), activation])),
    nonces: new Map(nonces.map((nonce) => [hex(nonce.nonce), nonce])),
  };
}

function parseChallenge(object: JsonObject): PendingChallenge {
  const challenge = {
    id: object.string('id'),
    secretDigest: object.bytesHex('secretDigest'),
    attestationKey: object.bytesHex('attestationKey'),
    endorsementKey: object.bytesHex('endorsementKey'),
    endorsement: parseEndorsement(object.object('endorsement')),
    expiresAt: object.date('expiresAt'),
  };
  object.end();
  return challenge;
}

function parseActivation(object: JsonObject): Activation {
  const activation = {
    attestationKeyName: object.bytesHex('attestationKeyName'),
    attestationKey: object.bytesHex('attestationKey'),
    endorsementKey: object.bytesHex('endorsementKey'),
    endorsement: parseEndorsement(object.object('endorsement')),
    activatedAt: object.date('activatedAt'),
  };
  object.end();
  return activation;
}

function parseNonce(object: JsonObject): AttestationNonce {
  const nonce = {
    nonce: object.bytesHex('nonce'),
    attestationKeyName: object.bytesHex('attestationKeyName'),
    expiresAt: object.date('expiresAt'),
    keyId: object.optionalString('keyId'),
  };
  object.end();
  return nonce;
}

function parseEndorsement(object: JsonObject): Endorsement {
  const kind = object.oneOf('kind', ['certificate', 'none']);
  if (kind === 'none') {
    object.end();
    return { kind };
  }
  const certificate = object.bytesHex('certificate');
  const identity = object.optionalObject('identity');
  const { manufacturer, model, version } = {
    manufacturer: identity?.string('manufacturer'),
    model: identity?.string('model'),
    version: identity?.string('version'),
  };
  identity?.end();
  object.end();
  if (manufacturer === undefined || model === undefined || version === undefined) {
    return { kind, certificate, identity: undefined };
  }
  return { kind, certificate, identity: { manufacturer, model, version } };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
