import { Certificate, CountersignError, isPinProtected, type Key } from '@countersign/core';
import { ProvisioningJournal, type ProvisioningRecord } from '../provisioning/journal.ts';
import { besideKey, putInPlaces } from '../store/index.ts';
import { assertRenewed } from './assert-renewed.ts';
import { renewalDueAt, type RenewalPolicy } from './renewal-due.ts';
import { RenewalJournal, type RenewalRecord } from './renewal-journal.ts';
import { requestRenewal } from './renewal-request.ts';
import type { RenewalStations } from './renewal-stations.ts';

/** What the user is told as it happens. */
export type RenewalStep = 'request' | 'issuance' | 'certificate';

export interface RenewalOptions {
  readonly upn: string;
  /** The user's folder, in which the journal of the provisioning is. */
  readonly directory: string;
  readonly stations: RenewalStations;
  readonly policy?: RenewalPolicy;
  /** Renews before it is due, too. */
  readonly atOnce?: boolean;
  readonly tell?: (step: RenewalStep, what: string) => void;
  readonly clock?: () => Date;
}

export type RenewalOutcome =
  | { readonly kind: 'not-due'; readonly dueAt: Date }
  /** DER. */
  | { readonly kind: 'renewed'; readonly certificate: Uint8Array };

/**
 * Renews the certificate that provisioning left, with the same key, if it is due. May be cut off anywhere and run again:
 * there is one new certificate, and the old one is in place until that is.
 * @throws CountersignError `STATE_MISSING` if nothing was provisioned; `KEY_NOT_REGISTERED` if the key is not the user's any more;
 *   `CERTIFICATE_EXPIRED` if it is too late; what the CA refuses with; `RESPONSE_MISMATCH` if its answer is another
 *   certificate than was asked for
 */
export async function renewCertificate(options: RenewalOptions): Promise<RenewalOutcome> {
  const provisioning = new ProvisioningJournal(options.directory);
  return provisioning.exclusively(async () => new Renewal(options, provisioning).run());
}

/** What was provisioned, as far as a renewal rests on it. */
interface Provisioned {
  readonly record: ProvisioningRecord;
  readonly keyRef: string;
  readonly certificate: Uint8Array;
}

class Renewal {
  readonly #options: RenewalOptions;
  readonly #provisioning: ProvisioningJournal;
  readonly #journal: RenewalJournal;
  readonly #tell: (step: RenewalStep, what: string) => void;
  readonly #clock: () => Date;

  constructor(options: RenewalOptions, provisioning: ProvisioningJournal) {
    this.#options = options;
    this.#provisioning = provisioning;
    this.#journal = new RenewalJournal(options.directory);
    this.#tell = options.tell ?? (() => undefined);
    this.#clock = options.clock ?? (() => new Date());
  }

  async run(): Promise<RenewalOutcome> {
    const provisioned = await this.#provisioned();
    const begun = await this.#resume(provisioned);
    if (begun === undefined) {
      const dueAt = renewalDueAt(Certificate.parse(provisioned.certificate), this.#options.policy);
      if (this.#options.atOnce !== true && this.#clock() < dueAt) return { kind: 'not-due', dueAt };
    }
    const record = begun ?? (await this.#begin(provisioned));
    const issued = await this.#ensureIssued(await this.#ensureRequest(record));
    await this.#install(issued, provisioned.record);
    await this.#journal.remove();
    return { kind: 'renewed', certificate: issued.certificate };
  }

  async #provisioned(): Promise<Provisioned> {
    const { upn, directory } = this.#options;
    const record = await this.#provisioning.read();
    if (
      record?.keyRef === undefined ||
      record.certificate === undefined ||
      record.completedAt === undefined
    ) {
      throw new CountersignError(
        'STATE_MISSING',
        `no provisioning of ${upn} came to its end in ${directory}: there is no certificate to renew`,
        'Provision the user first.',
      );
    }
    if (record.upn !== upn) {
      throw new CountersignError(
        'STATE_EXISTS',
        `what is provisioned in ${directory} is of ${record.upn}, not of ${upn}`,
        'Use a state directory of its own for each user.',
      );
    }
    return { record, keyRef: record.keyRef, certificate: record.certificate };
  }

  /** What was begun for this certificate. What was begun for one that is not in use any more leads nowhere. */
  async #resume({ keyRef, certificate }: Provisioned): Promise<RenewalRecord | undefined> {
    const begun = await this.#journal.read();
    if (begun === undefined) return undefined;
    const isOfThis = [begun.replaces, begun.certificate].some(
      (each) => each !== undefined && Buffer.compare(each, certificate) === 0,
    );
    if (isOfThis && begun.keyRef === keyRef) return begun;
    await this.#journal.remove();
    return undefined;
  }

  async #begin({ keyRef, certificate }: Provisioned): Promise<RenewalRecord> {
    const { upn } = this.#options;
    // The CA takes the word of the old certificate only while that holds.
    Certificate.parse(certificate).assertValidAt(this.#clock(), 'renewing');
    await this.#assertRegistered(certificate);
    return this.#journal.write({ upn, keyRef, begunAt: this.#clock(), replaces: certificate });
  }

  async #ensureRequest(record: RenewalRecord): Promise<RenewalRecord> {
    if (record.request !== undefined) return record;
    const { upn, stations } = this.#options;
    const key = await stations.custody.open(record.keyRef);
    const request = await this.#unlocked(key, async () => {
      const attributes = (await stations.attest?.(key)) ?? [];
      return requestRenewal(key, record.replaces, upn, attributes, this.#clock());
    });
    this.#tell('request', `${request.length} bytes, signed with the old certificate`);
    return this.#journal.write({ ...record, request });
  }

  async #ensureIssued(record: RenewalRecord): Promise<RenewalRecord & { readonly certificate: Uint8Array }> {
    const { replaces, request, certificate } = record;
    if (certificate !== undefined) return { ...record, certificate };
    if (request === undefined) throw new Error('submitted before it was requested');
    // Also where it was begun before: the registration may have gone since.
    await this.#assertRegistered(replaces);
    const issued = await this.#options.stations.submit(request, replaces);
    const { serialNumber, notAfter } = assertRenewed(issued, replaces, this.#options.upn, this.#clock());
    this.#tell('issuance', `the CA issued ${serialNumber}, good until ${notAfter.toISOString()}`);
    const noted = { ...record, certificate: issued };
    await this.#journal.write(noted);
    return noted;
  }

  async #install(
    { keyRef, replaces, certificate }: RenewalRecord & { readonly certificate: Uint8Array },
    provisioning: ProvisioningRecord,
  ): Promise<void> {
    const { stations } = this.#options;
    const places = [besideKey(stations.custody, keyRef), ...stations.places];
    const key = await stations.custody.open(keyRef);
    // Some stores want the PIN to be written to.
    await this.#unlocked(key, async () => putInPlaces(places, certificate, replaces));
    for (const { name } of places) this.#tell('certificate', `in place ${name}`);
    await this.#provisioning.write({ ...provisioning, certificate });
  }

  async #assertRegistered(certificate: Uint8Array): Promise<void> {
    const { upn, stations } = this.#options;
    const { keyId } = Certificate.parse(certificate).publicKey;
    if (await stations.isRegistered(upn, keyId)) return;
    throw new CountersignError(
      'KEY_NOT_REGISTERED',
      `the key ${keyId} is not registered for ${upn} any more: its certificate is not renewed`,
      'Find out who took the registration away; reset, and provision anew, if the user is to go on.',
    );
  }

  async #unlocked<T>(key: Key, work: () => Promise<T>): Promise<T> {
    if (!isPinProtected(key) || !key.locked) return work();
    await this.#options.stations.withPin('known', async (pin) => key.unlock(pin));
    try {
      return await work();
    } finally {
      key.lock();
    }
  }
}
