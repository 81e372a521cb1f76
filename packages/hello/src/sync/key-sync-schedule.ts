import type { KeySync, KeySyncResult } from './key-sync.ts';

export interface KeySyncScheduleOptions {
  readonly onRun?: (result: KeySyncResult) => void;
  /** Told of runs that failed; the next comes at its time all the same. */
  readonly onFailure: (error: unknown) => void;
  readonly clock?: () => Date;
}

/**
 * Runs a sync again and again: first when the state file says that a run is due, which after a kill or for the first time
 * is at once. Its timer does not keep the process alive.
 */
export class KeySyncSchedule {
  readonly #sync: KeySync;
  readonly #options: KeySyncScheduleOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  private constructor(sync: KeySync, options: KeySyncScheduleOptions) {
    this.#sync = sync;
    this.#options = options;
  }

  /** @throws CountersignError `STATE_DAMAGED`, `FILE_UNREADABLE` if the state file cannot be read */
  static async start(sync: KeySync, options: KeySyncScheduleOptions): Promise<KeySyncSchedule> {
    const { nextRunAt, begunAt } = await sync.status();
    const schedule = new KeySyncSchedule(sync, options);
    const now = (options.clock ?? (() => new Date()))();
    const dueInMs =
      nextRunAt === undefined || begunAt !== undefined ? 0 : nextRunAt.getTime() - now.getTime();
    // A clock that was set back must not make it wait for longer than it ever would.
    schedule.#wait(Math.min(Math.max(0, dueInMs), sync.intervalMs));
    return schedule;
  }

  /** Ends the schedule once the run that is at work, if one is, has ended. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #wait(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#run();
    }, delayMs);
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    try {
      const result = await this.#sync.run();
      this.#options.onRun?.(result);
    } catch (error) {
      this.#options.onFailure(error);
    } finally {
      this.#wait(this.#sync.intervalMs);
    }
  }
}
