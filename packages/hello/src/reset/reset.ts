import { CountersignError, isCertificateStore } from '@countersign/core';
import { PinHistory } from '../pin/index.ts';
import { whileAlone } from '../provisioning/exclusion.ts';
import { ProvisioningJournal, type ProvisioningRecord } from '../provisioning/journal.ts';
import { RenewalJournal } from '../renewal/renewal-journal.ts';
import { removeFromPlaces } from '../store/index.ts';
import { destroyKey, findKey } from './destroy-key.ts';
import { ResetJournal, resetSteps, type ResetRecord, type ResetStep } from './reset-journal.ts';
import type { ResetStations } from './reset-stations.ts';

export interface ResetOptions {
  readonly upn: string;
  /** The user's folder, in which the journal of the provisioning and the history of PINs are. */
  readonly directory: string;
  readonly stations: ResetStations;
  /**
   * That a token which is not there was initialized anew, and that nothing is left of its keys: the caller's word. Else a
   * reset waits for the token.
   */
  readonly tokenInitializedAnew?: boolean;
  readonly tell?: (step: ResetStep, what: string) => void;
  readonly clock?: () => Date;
}

export type ResetOutcome =
  /** There was nothing to take away but, perhaps, the history of PINs. */
  | { readonly kind: 'nothing-provisioned' }
  /** `keyId` is undefined where the provisioning had not come as far as to a key. */
  | { readonly kind: 'complete'; readonly keyId: string | undefined };

/**
 * Takes away all that provisioning made, for a user who forgot the PIN: the key, its registrations, its certificate, and
 * then what is known of them here. May be cut off anywhere and run again, and then goes on; until it has ended nothing is
 * provisioned anew.
 */
export async function resetProvisioning(options: ResetOptions): Promise<ResetOutcome> {
  return whileAlone(options.directory, async () => new Reset(options).run());
}

class Reset {
  readonly #options: ResetOptions;
  readonly #journal: ResetJournal;
  readonly #tell: (step: ResetStep, what: string) => void;

  constructor(options: ResetOptions) {
    this.#options = options;
    this.#journal = new ResetJournal(options.directory);
    this.#tell = options.tell ?? (() => undefined);
  }

  async run(): Promise<ResetOutcome> {
    let record = await this.#begin();
    if (record === undefined) {
      await this.#removeRecords();
      return { kind: 'nothing-provisioned' };
    }
    const { key } = record;
    for (const step of resetSteps.slice(record.done.length)) {
      await this.#take(step, record);
      record = await this.#journal.write({ ...record, done: [...record.done, step] });
    }
    await this.#journal.remove();
    return { kind: 'complete', keyId: key?.keyId };
  }

  /** Goes on with what was begun, or puts down what there is to take away. */
  async #begin(): Promise<ResetRecord | undefined> {
    const { upn, directory, clock = () => new Date() } = this.#options;
    const begun = await this.#journal.read(upn);
    if (begun !== undefined) return begun;
    const provisioned = await new ProvisioningJournal(directory).read();
    if (provisioned === undefined) return undefined;
    assertOf(upn, provisioned);
    const key = await findKey(this.#options.stations.custody, provisioned, this.#isGone);
    const certificates = await this.#certificates(provisioned, key?.ref);
    return this.#journal.write({ upn, begunAt: clock(), key, certificates, done: [] });
  }

  /** Each that may be somewhere, once: of the provisioning, of a renewal that was cut off, and beside the key. */
  async #certificates(
    { certificate }: ProvisioningRecord,
    ref: string | undefined,
  ): Promise<readonly Uint8Array[]> {
    const { provider } = this.#options.stations.custody;
    const renewal = await new RenewalJournal(this.#options.directory).read();
    const beside =
      ref !== undefined && isCertificateStore(provider)
        ? await this.#whereFound(async () => provider.getCertificate(ref))
        : undefined;
    const known = [certificate, renewal?.replaces, renewal?.certificate, beside].filter(
      (each) => each !== undefined,
    );
    return known.filter((each, at) => known.findIndex((other) => isSame(each, other)) === at);
  }

  async #whereFound<T>(find: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await find();
    } catch (error) {
      if (this.#isGone(error)) return undefined;
      throw error;
    }
  }

  /** A token that is missing may come back with the key: only what is known to be gone is done without. */
  readonly #isGone = (error: unknown): boolean => {
    if (!(error instanceof CountersignError)) return false;
    if (error.code === 'KEY_NOT_FOUND') return true;
    const isMissing = error.code === 'TOKEN_NOT_PRESENT' || error.code === 'KEY_HELD_ELSEWHERE';
    return isMissing && this.#options.tokenInitializedAnew === true;
  };

  async #take(step: ResetStep, record: ResetRecord): Promise<void> {
    switch (step) {
      case 'key':
        return this.#destroyKey(record);
      case 'registration':
        return this.#removeRegistrations(record);
      case 'certificate':
        return this.#removeCertificates(record);
      case 'records':
        await this.#removeRecords();
        this.#tell('records', 'the journals and the history of PINs are gone');
    }
  }

  async #destroyKey({ key }: ResetRecord): Promise<void> {
    if (key === undefined) return;
    await destroyKey(this.#options.stations, key, `PIN reset of ${this.#options.upn}`, this.#isGone);
    this.#tell('key', `${key.ref} is destroyed`);
  }

  async #removeRegistrations({ upn, key }: ResetRecord): Promise<void> {
    if (key === undefined) return;
    for (const registry of this.#options.stations.registries) {
      try {
        await registry.removeKey(upn, key.keyId);
      } catch (error) {
        // Who is not there any more has no registration there.
        if (!(error instanceof CountersignError) || error.code !== 'USER_NOT_FOUND') throw error;
      }
      this.#tell('registration', `${key.keyId} is gone from ${registry.name}`);
    }
  }

  async #removeCertificates({ upn, key, certificates }: ResetRecord): Promise<void> {
    const { stations } = this.#options;
    for (const certificate of certificates) await removeFromPlaces(stations.places, certificate);
    for (const { name } of stations.places) this.#tell('certificate', `gone from ${name}`);
    if (key === undefined || stations.revoke === undefined) return;
    await stations.revoke({ upn, keyId: key.keyId, publicKey: key.publicKey, certificates });
    this.#tell('certificate', 'revoked');
  }

  async #removeRecords(): Promise<void> {
    const { directory } = this.#options;
    await new PinHistory(directory).forget();
    await new RenewalJournal(directory).remove();
    await new ProvisioningJournal(directory).remove();
  }
}

function assertOf(upn: string, provisioned: ProvisioningRecord): void {
  if (provisioned.upn === upn) return;
  throw new CountersignError(
    'STATE_EXISTS',
    `what is provisioned here is of ${provisioned.upn}, not of ${upn}`,
    'Nothing was changed. Reset as the user whom it is of.',
  );
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
