import { CountersignError } from '../errors.ts';
import {
  isCertificateStore,
  type CertificateStore,
  type Key,
  type KeyDescription,
  type KeyProvider,
  type KeySpec,
} from '../keys/key-provider.ts';
import { PublicKey } from '../keys/public-key.ts';
import { Certificate } from '../x509/certificate.ts';
import { activate } from './activate.ts';
import { assertGone, destroyed } from './destruction.ts';
import { KeyHistory, type KeyState } from './key-history.ts';
import { keyIdOf, recorded, type KeyRecord, type KeyRecordStore } from './key-record.ts';
import { manageKey } from './managed-key.ts';
import { reconcile, type Reconciliation } from './reconcile.ts';

export interface KeyCustodyOptions {
  readonly provider: KeyProvider;
  readonly records: KeyRecordStore;
  /** Default: the system's. */
  readonly clock?: () => Date;
}

/** A key of the provider and, unless it was made past its custodian, its record. */
export interface KeyInCustody extends KeyDescription {
  readonly keyId: string;
  readonly record: KeyRecord | undefined;
}

/**
 * The life cycle of a provider's keys (SP 800-57 part 1 rev. 5, 7 and 8): every key that comes from here signs only
 * what its state permits, and every transition is recorded with its time and reason. Nothing can be done with a key
 * that has no record but to adopt or to destroy it.
 *
 * Refused steps throw `KEY_STATE_FORBIDS` and change nothing. After a crash, `reconcile` finishes what was begun.
 */
export class KeyCustody {
  readonly provider: KeyProvider;
  readonly #records: KeyRecordStore;
  readonly #clock: () => Date;

  constructor({ provider, records, clock = () => new Date() }: KeyCustodyOptions) {
    this.provider = provider;
    this.#records = records;
    this.#clock = clock;
  }

  /** Makes a key, in pre-activation: it signs a certification request for itself, and nothing else. */
  async generate(spec: KeySpec): Promise<Key> {
    return this.#generate(spec, {}, () => undefined);
  }

  /**
   * Makes the key that is to take another's place. The old one goes on signing until the new one's certificate is
   * installed, which deactivates it.
   */
  async rotate(ref: string, spec: KeySpec): Promise<Key> {
    const { keyId: replaces } = await this.#describe(ref);
    const assertReplaceable = (records: ReadonlyMap<string, KeyRecord>): void => {
      const { history } = recorded(records.get(replaces), ref);
      if (history.state !== 'active' && history.state !== 'suspended') {
        throw wrongState(ref, history.state, 'be rotated', 'active or suspended');
      }
      const rival = [...records.values()].find(
        (record) => record.replaces === replaces && record.history.state === 'pre-activation',
      );
      if (rival !== undefined) {
        throw new CountersignError(
          'KEY_STATE_FORBIDS',
          `the key ${rival.ref} is to take the place of ${ref} already`,
          'Install a certificate for it, or destroy it first.',
        );
      }
    };
    assertReplaceable(new Map((await this.#records.list()).map((record) => [record.keyId, record])));
    return this.#generate(spec, { replaces }, assertReplaceable);
  }

  /** Finds one key; its `sign` asks for its state each time. @throws CountersignError `KEY_NOT_RECORDED` */
  async open(ref: string): Promise<Key> {
    const key = await this.provider.open(ref);
    recorded(await this.#records.find(keyIdOf(key)), ref);
    return manageKey(key, this.#records);
  }

  /** One key and its record, which it may not have. */
  async describe(ref: string): Promise<KeyInCustody> {
    const key = await this.#describe(ref);
    return { ...key, record: await this.#records.find(key.keyId) };
  }

  /** The record of a key that may be gone. */
  findRecord(keyId: string): Promise<KeyRecord | undefined> {
    return this.#records.find(keyId);
  }

  async list(): Promise<readonly KeyInCustody[]> {
    const records = new Map((await this.#records.list()).map((record) => [record.keyId, record]));
    return (await this.provider.list()).map(({ ref, label, algorithm, publicKey }) => {
      const keyId = keyIdOf({ publicKey });
      return { ref, label, algorithm, publicKey, keyId, record: records.get(keyId) };
    });
  }

  /** Takes a key into custody that was made without it: in pre-activation, whatever was done with it before. */
  async adopt(ref: string, reason: string): Promise<void> {
    const { keyId, ...key } = await this.#describe(ref);
    await this.#records.change((records) => {
      const state = records.get(keyId)?.history.state;
      if (state !== undefined) throw wrongState(ref, state, 'be adopted', 'unrecorded');
      return [this.#begin(key, keyId, `adopted: ${reason}`)];
    });
  }

  /**
   * Puts a certificate beside its key, which activates a key in pre-activation and deactivates the one it replaces.
   * An active key takes another certificate as well: it was renewed.
   * @param certificate DER
   * @throws CountersignError `CERTIFICATE_KEY_MISMATCH`, `KEY_STATE_FORBIDS`
   */
  async installCertificate(ref: string, certificate: Uint8Array): Promise<void> {
    const key = await this.#describe(ref);
    const { publicKey, serialNumber } = Certificate.parse(certificate);
    if (publicKey.keyId !== key.keyId) {
      throw new CountersignError(
        'CERTIFICATE_KEY_MISMATCH',
        `the certificate ${serialNumber} is for the key ${publicKey.keyId}, not for ${ref}, which is ${key.keyId}`,
        'Install it beside the key that its request was made with.',
      );
    }
    const { state } = recorded(await this.#records.find(key.keyId), ref).history;
    if (state !== 'pre-activation' && state !== 'active') {
      throw wrongState(ref, state, 'take a certificate', 'in pre-activation or active');
    }
    await this.#certificates().putCertificate(key.ref, certificate);
    await this.#records.change((records) => activate(records, key.keyId, this.#clock()));
  }

  async suspend(ref: string, reason: string): Promise<void> {
    await this.#move(ref, 'suspended', reason);
  }

  /** Ends a suspension. @throws CountersignError `KEY_STATE_FORBIDS` unless the key is suspended */
  async resume(ref: string, reason: string): Promise<void> {
    await this.#move(ref, 'active', reason, 'suspended');
  }

  async deactivate(ref: string, reason: string): Promise<void> {
    await this.#move(ref, 'deactivated', reason);
  }

  /** What the key signed stands in doubt from now on: revoke its certificates too. */
  async compromise(ref: string, reason: string): Promise<void> {
    await this.#move(ref, 'compromised', reason);
  }

  /**
   * Destroys a key and records what its provider leaves of it. A key without a record gets one, for this. Where the
   * provider wants a PIN first (`PIN_REQUIRED`), nothing changes.
   * @throws CountersignError `KEY_STORE_DAMAGED` if the provider still finds the key afterwards
   */
  async destroy(ref: string, reason: string): Promise<void> {
    const { keyId, ...key } = await this.#describe(ref);
    const at = this.#clock();
    let before: KeyRecord | undefined;
    await this.#records.change((records) => {
      before = records.get(keyId);
      const record = before ?? this.#begin(key, keyId, 'found without a record');
      record.history.moveTo('destroyed', at, reason); // refuses before anything is done
      return [{ ...record, destructionBegunAt: at }];
    });
    try {
      await this.provider.destroy(key.ref);
    } catch (error) {
      // Refused before anything was done to it: the key is what it was.
      if (before !== undefined && isPinRequired(error)) await this.#withdrawDestruction(before, at);
      throw error;
    }
    await assertGone(this.provider, key.ref);
    await this.#records.change((records) => [
      destroyed(recorded(records.get(keyId), ref), this.#clock(), reason, this.provider.info.destruction),
    ]);
  }

  /** Makes records and provider agree after a crash, and tells of what it does not decide by itself. */
  reconcile(): Promise<Reconciliation> {
    return reconcile(this.provider, this.#records, this.#clock);
  }

  async #generate(
    spec: KeySpec,
    rotation: Pick<KeyRecord, 'replaces'>,
    assertPermitted: (records: ReadonlyMap<string, KeyRecord>) => void,
  ): Promise<Key> {
    const key = await this.provider.generate(spec);
    try {
      await this.#records.change((records) => {
        assertPermitted(records);
        return [{ ...this.#begin(key, keyIdOf(key), 'generated'), ...rotation }];
      });
    } catch (error) {
      await this.#discard(key.ref, error);
      throw error;
    }
    return manageKey(key, this.#records);
  }

  #begin({ ref, label }: KeyDescription, keyId: string, reason: string): KeyRecord {
    const history = KeyHistory.begin(this.#clock(), reason);
    return { keyId, ref, label, history };
  }

  /** A key that nobody could use or account for is not left behind. */
  async #discard(ref: string, reason: unknown): Promise<void> {
    try {
      await this.provider.destroy(ref);
    } catch (error) {
      throw new CountersignError(
        'KEY_NOT_RECORDED',
        `the key ${ref} was made, could not be recorded, and could not be destroyed again`,
        'Reconcile when records and provider work, then destroy it.',
        { cause: new AggregateError([reason, error]) },
      );
    }
  }

  async #move(ref: string, to: KeyState, reason: string, from?: KeyState): Promise<void> {
    const { keyId } = await this.#describe(ref);
    await this.#records.change((records) => {
      const record = recorded(records.get(keyId), ref);
      const { state } = record.history;
      if (from !== undefined && state !== from) throw wrongState(ref, state, `become ${to}`, from);
      // Only a certificate activates a key.
      if (to === 'active' && from === undefined) throw wrongState(ref, state, 'become active', 'suspended');
      return [{ ...record, history: record.history.moveTo(to, this.#clock(), reason) }];
    });
  }

  async #withdrawDestruction({ keyId, destructionBegunAt }: KeyRecord, at: Date): Promise<void> {
    await this.#records.change((records) => {
      const record = records.get(keyId);
      if (record?.destructionBegunAt?.getTime() !== at.getTime()) return [];
      const { destructionBegunAt: _withdrawn, ...kept } = record;
      return [destructionBegunAt === undefined ? kept : { ...kept, destructionBegunAt }];
    });
  }

  async #describe(ref: string): Promise<KeyDescription & { readonly keyId: string }> {
    const { ref: exactRef, label, algorithm, publicKey } = await this.provider.open(ref);
    return { ref: exactRef, label, algorithm, publicKey, keyId: PublicKey.parse(publicKey).keyId };
  }

  #certificates(): CertificateStore {
    if (isCertificateStore(this.provider)) return this.provider;
    throw new CountersignError(
      'PROVIDER_NOT_AVAILABLE',
      `the provider of ${this.provider.info.scheme}: keys keeps no certificates`,
      'Use a provider that is a CertificateStore.',
    );
  }
}

function isPinRequired(error: unknown): boolean {
  return error instanceof CountersignError && error.code === 'PIN_REQUIRED';
}

function wrongState(ref: string, state: KeyState, what: string, expected: string): CountersignError {
  return new CountersignError(
    'KEY_STATE_FORBIDS',
    `the key ${ref} is ${state} and cannot ${what}; expected ${expected}`,
    'Look at its history, and use another key if this one has served.',
  );
}
