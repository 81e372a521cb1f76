import type { Database } from 'better-sqlite3';

interface Pending {
  /** Runs within the group's transaction; what it returns settles the caller once the group is durable. */
  readonly run: () => () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets writes that are asked for at the same time share one durable transaction, so that the cost of syncing the disk is
 * paid once for all of them. Each write has a savepoint of its own: one that fails takes nothing with it and leaves
 * nothing. A caller hears of success only after the COMMIT.
 */
export class GroupCommit {
  readonly #database: Database;
  #pending: Pending[] = [];
  #scheduled: NodeJS.Immediate | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  write<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#pending.push({
        run: () => {
          const result = work();
          return () => {
            resolve(result);
          };
        },
        reject,
      });
      this.#scheduled ??= setImmediate(() => {
        this.flush();
      });
    });
  }

  /** Commits what is waiting, now. */
  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const group = this.#pending;
    this.#pending = [];
    if (group.length === 0) return;
    try {
      settle(this.#commit(group));
    } catch (error) {
      const [only, ...others] = group;
      if (only !== undefined && others.length === 0) only.reject(error);
      // One write may have been too much for all (a full disk): each is tried again by itself.
      else for (const pending of group) this.#commitAlone(pending);
    }
  }

  #commitAlone(pending: Pending): void {
    try {
      settle(this.#commit([pending]));
    } catch (error) {
      pending.reject(error);
    }
  }

  /**
   * BEGIN IMMEDIATE makes every check see what it will write upon, whatever other processes do.
   * @returns how to tell each caller, now that all is durable
   */
  #commit(group: readonly Pending[]): (() => void)[] {
    return this.#database
      .transaction(() =>
        group.map(({ run, reject }) => {
          try {
            // A transaction within a transaction is a savepoint.
            return this.#database.transaction(run)();
          } catch (error) {
            // SQLite gave up the transaction as a whole, and with it the writes before this one.
            if (!this.#database.inTransaction) throw error;
            return () => {
              reject(error);
            };
          }
        }),
      )
      .immediate();
  }
}

function settle(outcomes: readonly (() => void)[]): void {
  for (const tell of outcomes) tell();
}
