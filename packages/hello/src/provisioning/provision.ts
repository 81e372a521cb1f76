import {
  createCertificationRequest,
  isPinProtected,
  subjectAltName,
  userPrincipalName,
  type Key,
} from '@countersign/core';
import type { ProvisioningJournal, ProvisioningRecord } from './journal.ts';
import type { Authentication, Stations } from './stations.ts';

/** What the user is told as it happens. */
export type ProvisioningStep =
  'prerequisites' | 'mfa' | 'key' | 'registration' | 'request' | 'enrollment' | 'certificate';

export interface ProvisioningOptions {
  readonly upn: string;
  readonly journal: ProvisioningJournal;
  readonly stations: Stations;
  readonly tell?: (step: ProvisioningStep, what: string) => void;
  readonly clock?: () => Date;
}

export type ProvisioningOutcome =
  | {
      readonly kind: 'complete';
      readonly keyRef: string;
      /** DER; undefined where none is wanted. */
      readonly certificate: Uint8Array | undefined;
    }
  /** The key is not synced yet: run again later, by `nextEnrollmentAttempt`. */
  | { readonly kind: 'waiting'; readonly attempts: number };

/**
 * Leads a user from nothing to a certificate beside a key that a PIN guards. May be cut off anywhere and run again: each
 * step is finished once, whoever asks how often, so that there is one key, one registration and one certificate.
 */
export async function provision(options: ProvisioningOptions): Promise<ProvisioningOutcome> {
  return options.journal.exclusively(async () => new Provisioning(options).run());
}

class Provisioning {
  readonly #options: ProvisioningOptions;
  readonly #stations: Stations;
  readonly #tell: (step: ProvisioningStep, what: string) => void;
  readonly #clock: () => Date;
  #authentication: Authentication | undefined;

  constructor(options: ProvisioningOptions) {
    this.#options = options;
    this.#stations = options.stations;
    this.#tell = options.tell ?? (() => undefined);
    this.#clock = options.clock ?? (() => new Date());
  }

  async run(): Promise<ProvisioningOutcome> {
    const { journal, upn } = this.#options;
    const finished = await journal.read();
    if (finished?.completedAt !== undefined) return complete(finished);
    for (const line of await this.#stations.checkPrerequisites()) this.#tell('prerequisites', line);
    // Before anything is made: who cannot prove to be the user leaves nothing behind.
    if (finished?.certificate === undefined) await this.#authenticate();
    const begun = await journal.begin(upn, this.#clock());
    const withKey = await this.#ensureKey(begun);
    const registered = await this.#ensureRegistered(withKey);
    if (this.#stations.enroll === undefined) return complete(await this.#finish(registered));
    const requested = await this.#ensureRequest(registered);
    const enrolled = await this.#ensureEnrolled(requested);
    if (enrolled.certificate === undefined) {
      return { kind: 'waiting', attempts: enrolled.waited?.attempts ?? 0 };
    }
    return complete(await this.#ensureInstalled(enrolled));
  }

  /** Fresh for all that follows in this run. */
  async #authenticate(): Promise<Authentication> {
    if (this.#authentication !== undefined) return this.#authentication;
    this.#authentication = await this.#stations.authenticate();
    this.#tell('mfa', `${this.#authentication.upn} proved to be who they say`);
    return this.#authentication;
  }

  /** The key is named after the provisioning, so that one that was made and not noted is found again. */
  async #ensureKey(record: ProvisioningRecord): Promise<ProvisioningRecord> {
    if (record.keyRef !== undefined) return record;
    const { custody, algorithm } = this.#stations;
    const label = `hello-${record.id}`;
    const found = (await custody.list()).find((key) => key.label === label);
    if (found !== undefined) {
      // Made past its record, if that was when the run was cut off.
      if (found.record === undefined)
        await custody.adopt(found.ref, 'made by a provisioning that was cut off');
      this.#tell('key', `found again: ${found.ref}`);
      return this.#note({ ...record, keyRef: found.ref });
    }
    const key = await this.#stations.withPin('new', async (pin) =>
      custody.generate({ algorithm, label, pin }),
    );
    // From here on it opens where it is used, and no longer.
    if (isPinProtected(key)) key.lock();
    this.#tell('key', `${algorithm} key made: ${key.ref}`);
    return this.#note({ ...record, keyRef: key.ref });
  }

  async #ensureRegistered(record: ProvisioningRecord): Promise<ProvisioningRecord> {
    if (record.registration !== undefined) return record;
    const key = await this.#key(record);
    const registration = await this.#stations.register(key.publicKey, await this.#authenticate());
    this.#tell('registration', `registered as ${registration.keyId}`);
    return this.#note({ ...record, registration });
  }

  async #ensureRequest(record: ProvisioningRecord): Promise<ProvisioningRecord> {
    if (record.request !== undefined) return record;
    const key = await this.#key(record);
    const request = await this.#unlocked(key, async () => {
      const attributes = (await this.#stations.attest?.(key)) ?? [];
      const extensionRequests = [subjectAltName([userPrincipalName(record.upn)])];
      return createCertificationRequest(key, { extensionRequests, attributes });
    });
    this.#tell('request', `${request.length} bytes of PKCS#10`);
    return this.#note({ ...record, request });
  }

  async #ensureEnrolled(record: ProvisioningRecord): Promise<ProvisioningRecord> {
    if (record.certificate !== undefined || record.request === undefined) return record;
    const authentication = await this.#authenticate();
    const answer = await this.#stations.enroll?.(
      record.request,
      record.registration?.receipt,
      authentication,
    );
    if (answer === undefined) return record;
    if (answer.kind === 'issued') {
      this.#tell('enrollment', 'the CA issued');
      return this.#note({ ...record, certificate: answer.certificate });
    }
    const attempts = (record.waited?.attempts ?? 0) + 1;
    this.#tell('enrollment', `the key has not reached the on-premises directory yet (attempt ${attempts})`);
    return this.#note({ ...record, waited: { attempts, lastAt: this.#clock() } });
  }

  async #ensureInstalled(record: ProvisioningRecord): Promise<ProvisioningRecord> {
    const { keyRef, certificate } = record;
    if (keyRef === undefined || certificate === undefined)
      throw new Error('installed before it was enrolled');
    const { custody } = this.#stations;
    const key = await this.#key(record);
    // Some stores want the PIN to be written to.
    await this.#unlocked(key, async () => custody.installCertificate(keyRef, certificate));
    this.#tell('certificate', 'lies beside its key');
    return this.#finish(record);
  }

  async #finish(record: ProvisioningRecord): Promise<ProvisioningRecord> {
    return this.#note({ ...record, completedAt: this.#clock() });
  }

  async #key({ keyRef = '' }: ProvisioningRecord): Promise<Key> {
    return this.#stations.custody.open(keyRef);
  }

  async #unlocked<T>(key: Key, work: () => Promise<T>): Promise<T> {
    if (!isPinProtected(key) || !key.locked) return work();
    await this.#stations.withPin('known', async (pin) => key.unlock(pin));
    try {
      return await work();
    } finally {
      key.lock();
    }
  }

  async #note(record: ProvisioningRecord): Promise<ProvisioningRecord> {
    return this.#options.journal.write(record);
  }
}

function complete({ keyRef, certificate }: ProvisioningRecord): ProvisioningOutcome {
  if (keyRef === undefined) throw new Error('complete without a key');
  return { kind: 'complete', keyRef, certificate };
}
