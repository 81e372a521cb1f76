import { CountersignError } from '@countersign/core';
import { TpmCommandQueue } from '../command/command-queue.ts';
import { getHandles, getProperties } from '../command/get-capability.ts';
import { shutdown } from '../command/start-up.ts';
import { TpmConnection } from '../provider/tpm-connection.ts';
import { WatchedChannel } from '../provider/watched-channel.ts';
import { flushHandle } from '../session/index.ts';
import { openTransport } from '../transport/open-transport.ts';
import { InspectionRoot } from './inspection-root.ts';
import type { SimulatorPower } from './simulator-power.ts';

export interface InspectionHoldings {
  readonly handles: Readonly<
    Record<'persistent' | 'nvIndex' | 'transient' | 'loadedSession' | 'savedSession', readonly number[]>
  >;
  /** TPM_PT_LOCKOUT_COUNTER. */
  readonly failedTries: number;
}

/** The connection of an inspection, which comes and goes with restarts, and what must not be left when it ends. */
export class InspectionConnection {
  readonly root = new InspectionRoot();
  readonly #uri: string;
  #connection: TpmConnection | undefined;
  /** Something failed, so that things may be in the TPM that nobody here was told of. */
  #inDoubt = false;
  /** Objects and sessions of others. */
  #foundAtFirst: ReadonlySet<number> | undefined;

  /** @param uri of the transport */
  constructor(uri: string) {
    this.#uri = uri;
  }

  get opened(): TpmConnection {
    if (this.#connection !== undefined) return this.#connection;
    throw new CountersignError('PROVIDER_CLOSED', 'the inspection of the TPM is not open', 'Open it first.');
  }

  async open(): Promise<void> {
    await this.#watching(async () => {
      this.#connection ??= await TpmConnection.open(await openTransport(this.#uri), this.root);
    });
  }

  async use<T>(work: (connection: TpmConnection) => Promise<T>): Promise<T> {
    const { opened } = this;
    return this.#watching(async () => work(opened));
  }

  /** Over a connection of its own, as the TPM may serve one client only: before `open` or after `close`. */
  async holdings(): Promise<InspectionHoldings> {
    return this.#withBareChannel(async (channel) => {
      const handles = {
        persistent: await getHandles(channel, 'persistent'),
        nvIndex: await getHandles(channel, 'nvIndex'),
        transient: await getHandles(channel, 'transient'),
        loadedSession: await getHandles(channel, 'loadedSession'),
        savedSession: await getHandles(channel, 'savedSession'),
      };
      this.#foundAtFirst ??= new Set([...handles.transient, ...handles.loadedSession]);
      return { handles, failedTries: (await getProperties(channel, 0x200)).get(0x20e) ?? 0 };
    });
  }

  async restart(power: SimulatorPower): Promise<void> {
    await power.assertReachable();
    await this.#leave(this.opened);
    await this.#withBareChannel(async (channel) => shutdown(channel, 'clear'));
    await power.cycle();
    await this.open();
  }

  async close(): Promise<void> {
    try {
      if (this.#connection !== undefined) await this.#leave(this.#connection);
    } finally {
      if (this.#inDoubt) await this.#sweep();
    }
  }

  async #leave(connection: TpmConnection): Promise<void> {
    this.#connection = undefined;
    await connection.close();
  }

  /** Flushes what is loaded now and was not at first: answers that were altered or lost hide what was made. */
  async #sweep(): Promise<void> {
    const foundAtFirst = this.#foundAtFirst;
    if (foundAtFirst === undefined) return;
    await this.#withBareChannel(async (channel) => {
      for (const kind of ['transient', 'loadedSession'] as const) {
        for (const handle of await getHandles(channel, kind)) {
          if (!foundAtFirst.has(handle)) await flushHandle(channel, handle);
        }
      }
    });
    this.#inDoubt = false;
  }

  async #watching<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#inDoubt = true;
      throw error;
    }
  }

  async #withBareChannel<T>(work: (channel: WatchedChannel) => Promise<T>): Promise<T> {
    const queue = new TpmCommandQueue(await openTransport(this.#uri));
    try {
      return await work(await WatchedChannel.open(queue));
    } finally {
      await queue.close();
    }
  }
}
