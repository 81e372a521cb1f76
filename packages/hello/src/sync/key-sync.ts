import { CountersignError } from '@countersign/core';
import type { KeyCredentialSource, KeyCredentialTarget } from './key-credential-target.ts';
import { KeySyncStateFile, type KeySyncRun, type KeySyncState } from './key-sync-state.ts';
import { nameOf, planSync, type RefusedKey, type SyncedKey } from './plan-sync.ts';

export interface KeySyncOptions {
  readonly cloud: KeyCredentialSource;
  readonly premises: KeyCredentialTarget;
  /** Folder of the state file `key-sync.json`; made if missing, readable by its owner alone. */
  readonly stateDirectory: string;
  /** From the end of a run to the start of the next; 30 minutes if absent. */
  readonly intervalMs?: number;
  readonly clock?: () => Date;
}

export interface KeySyncResult extends KeySyncRun {
  /** The keys that could not be brought on premises, and why. */
  readonly refusedKeys: readonly RefusedKey[];
}

/**
 * Brings the keys that were registered in the cloud on premises, as Entra Connect does. A run that was killed is made up
 * for by the next; one that finds everything done changes nothing.
 */
export class KeySync {
  readonly intervalMs: number;
  readonly #cloud: KeyCredentialSource;
  readonly #premises: KeyCredentialTarget;
  readonly #file: KeySyncStateFile;
  readonly #clock: () => Date;

  /** @throws CountersignError `VALUE_OUT_OF_RANGE` for an interval that no timer knows */
  constructor(options: KeySyncOptions) {
    this.intervalMs = checkInterval(options.intervalMs ?? 30 * 60_000);
    this.#cloud = options.cloud;
    this.#premises = options.premises;
    this.#file = new KeySyncStateFile(options.stateDirectory);
    this.#clock = options.clock ?? (() => new Date());
  }

  /** When it ran last, and how; when it runs next. @throws CountersignError `STATE_DAMAGED`, `FILE_UNREADABLE` */
  async status(): Promise<KeySyncState> {
    return this.#file.read();
  }

  /**
   * One run.
   * @throws CountersignError `STATE_LOCKED` while another runs, `STATE_DAMAGED`, and what the directories throw; the state
   *   file then says so, and the next run goes on
   */
  async run(): Promise<KeySyncResult> {
    return this.#file.whileAlone(async () => this.#runAlone());
  }

  async #runAlone(): Promise<KeySyncResult> {
    const before = await this.#file.read();
    const startedAt = this.#clock();
    const progress: Progress = { added: [], removed: [], refused: [] };
    let keys = before.keys;
    try {
      const plan = planSync(await this.#cloud.list(), await this.#premises.list(), before.keys);
      const planned = plan.additions.map(({ upn, credential: { keyId } }) => ({ upn, keyId }));
      // Written ahead: what is brought on premises now is known as the sync's own, also if this run is killed.
      keys = distinct([...before.keys, ...planned]);
      await this.#file.write({ ...before, begunAt: startedAt, keys });
      progress.refused.push(...plan.refused);
      for (const key of plan.removals) await this.#remove(key, progress);
      for (const { upn, credential } of plan.additions) {
        await this.#add(upn, credential, progress);
      }
      keys = distinct([...plan.kept, ...progress.added]);
    } catch (error) {
      await this.#finish(startedAt, progress, keys, error instanceof Error ? error.message : String(error));
      throw error;
    }
    return this.#finish(startedAt, progress, keys, undefined);
  }

  async #add(
    upn: string,
    credential: Parameters<KeyCredentialTarget['addKeyCredential']>[1],
    progress: Progress,
  ): Promise<void> {
    const key = { upn, keyId: credential.keyId };
    try {
      await this.#premises.addKeyCredential(upn, credential);
      progress.added.push(key);
    } catch (error) {
      // Changed on premises since the plan was made. The next run plans anew, the other keys are not to wait for it.
      if (!(error instanceof CountersignError) || !isOvertaken(error)) throw error;
      progress.refused.push({ ...key, reason: error.message });
    }
  }

  async #remove(key: SyncedKey, progress: Progress): Promise<void> {
    try {
      await this.#premises.removeKeyCredential(key.upn, key.keyId);
    } catch (error) {
      // With the user went the keys.
      if (!(error instanceof CountersignError) || error.code !== 'USER_NOT_FOUND') throw error;
    }
    progress.removed.push(key);
  }

  async #finish(
    startedAt: Date,
    { added, removed, refused }: Progress,
    keys: readonly SyncedKey[],
    failure: string | undefined,
  ): Promise<KeySyncResult> {
    const endedAt = this.#clock();
    const counts = { added: added.length, removed: removed.length, refused: refused.length };
    const lastRun = { startedAt, endedAt, failure, ...counts };
    const nextRunAt = new Date(endedAt.getTime() + this.intervalMs);
    await this.#file.write({ lastRun, begunAt: undefined, nextRunAt, keys });
    return { ...lastRun, refusedKeys: refused };
  }
}

interface Progress {
  readonly added: SyncedKey[];
  readonly removed: SyncedKey[];
  readonly refused: RefusedKey[];
}

function isOvertaken({ code }: CountersignError): boolean {
  return code === 'USER_NOT_FOUND' || code === 'KEY_REGISTERED_TO_ANOTHER';
}

function distinct(keys: readonly SyncedKey[]): SyncedKey[] {
  return [...new Map(keys.map((key) => [nameOf(key), key])).values()];
}

/** What `setTimeout` can count. */
const maxIntervalMs = 2 ** 31 - 1;

function checkInterval(intervalMs: number): number {
  if (Number.isInteger(intervalMs) && intervalMs >= 1 && intervalMs <= maxIntervalMs) return intervalMs;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `the interval of the sync is ${intervalMs} ms; expected a whole number from 1 to ${maxIntervalMs}`,
    'Give it in milliseconds; 30 minutes are 1800000.',
  );
}
