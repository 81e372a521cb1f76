import type { TpmCommandQueue } from '../command/command-queue.ts';
import { readClock } from '../command/read-clock.ts';
import { responseCodeOf } from '../command/response-code.ts';
import type { CommandChannel } from '../command/run-command.ts';
import { startup } from '../command/start-up.ts';
import { commands, flushHandle, listHandles } from '../session/index.ts';
import type { ExchangeOptions } from '../transport/tpm-transport.ts';

/**
 * Starts a TPM that nobody has started since its reset, which firmware does on real machines, tells when what was loaded
 * is gone, and flushes what was loaded or started without the answer arriving.
 */
export class WatchedChannel implements CommandChannel {
  readonly #queue: TpmCommandQueue;
  #resets = '';
  #inDoubt = false;
  #settling: Promise<void> | undefined;
  /** Transient objects and sessions that are known here: others' from before, and those that an answer told of. */
  readonly #known = new Set<number>();
  onReset: () => void = () => undefined;

  private constructor(queue: TpmCommandQueue) {
    this.#queue = queue;
  }

  static async open(queue: TpmCommandQueue): Promise<WatchedChannel> {
    const channel = new WatchedChannel(queue);
    channel.#resets = await channel.#countResets();
    for (const handle of await channel.#listHandles()) channel.#known.add(handle);
    return channel;
  }

  async exchange(command: Uint8Array, options?: ExchangeOptions): Promise<Uint8Array> {
    const resets = this.#resets;
    await this.settle();
    if (resets === this.#resets) {
      const response = await this.#exchangeOnce(command, options);
      if (!isWorthAnotherTry(command, response)) return response;
      this.#inDoubt = true;
      await this.settle();
    }
    // Composed before the reset: its handles are nobody's by now, or somebody else's.
    const stale = resets === this.#resets ? undefined : staleHandleCode(command);
    return stale === undefined ? this.#exchangeOnce(command, options) : refusal(stale);
  }

  /** What came last cannot have been an answer to what was asked. */
  distrust(): void {
    this.#queue.distrust();
    this.#inDoubt = true;
  }

  /**
   * Behind a connection that was lost there may be a TPM that was reset, with handles that are given to others; if it was
   * not, it may hold what nobody here was told of.
   */
  async settle(): Promise<void> {
    if (this.#inDoubt || this.#queue.connectionLost) {
      this.#settling ??= this.#findOut().finally(() => {
        this.#settling = undefined;
      });
    }
    await this.#settling;
  }

  async #findOut(): Promise<void> {
    this.#inDoubt = false;
    const resets = await this.#countResets();
    if (resets !== this.#resets) {
      this.#resets = resets;
      this.#known.clear();
      this.onReset();
      return;
    }
    const found = new Set(await this.#listHandles());
    for (const handle of this.#known) if (!found.has(handle)) this.#known.delete(handle);
    for (const handle of found) if (!this.#known.has(handle)) await flushHandle(this.#starting, handle);
  }

  /** For what is done to settle a doubt, and what must not wait for that. */
  readonly #starting: CommandChannel = {
    exchange: async (command, options) => {
      const response = await this.#exchangeOnce(command, options);
      if (response.length < headerLength || responseCodeOf(response) !== notStarted) return response;
      await startup(this.#queue, 'clear');
      return this.#exchangeOnce(command, options);
    },
  };

  async #exchangeOnce(command: Uint8Array, options?: ExchangeOptions): Promise<Uint8Array> {
    const { code, handle } = startOf(command);
    // Whether the TPM hears of it or not.
    if (code === commands.flushContext.code) this.#known.delete(handle);
    try {
      const response = await this.#queue.exchange(command, options);
      this.#watch(code, response);
      return response;
    } catch (error) {
      this.#inDoubt = true;
      throw error;
    }
  }

  #watch(code: number, response: Uint8Array): void {
    if (response.length < headerLength) return;
    const { code: responseCode, handle } = startOf(response);
    if (responseCode === 0 && makesHandle.has(code)) this.#known.add(handle);
  }

  async #countResets(): Promise<string> {
    const { resetCount, restartCount } = await readClock(this.#starting);
    return `${resetCount} ${restartCount}`;
  }

  async #listHandles(): Promise<readonly number[]> {
    return [
      ...(await listHandles(this.#starting, 'transient')),
      ...(await listHandles(this.#starting, 'loadedSession')),
    ];
  }
}

const headerLength = 10;

/** The code of a command or a response, and the handle after it, where it has one. */
function startOf(message: Uint8Array): { readonly code: number; readonly handle: number } {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  const handle = bytes.length >= headerLength + 4 ? bytes.readUInt32BE(headerLength) : 0;
  return { code: bytes.readUInt32BE(6), handle };
}

/** The TPM has not looked at the command, and can be brought to do so. */
function isWorthAnotherTry(command: Uint8Array, response: Uint8Array): boolean {
  if (response.length < headerLength) return false;
  const responseCode = responseCodeOf(response);
  if (responseCode === notStarted) return true;
  return outOfSessions.has(responseCode) && startOf(command).code === commands.startAuthSession.code;
}

/** What a TPM says to a command with handles of before its reset, if they were not given anew. */
function staleHandleCode(command: Uint8Array): number | undefined {
  const { code, handle } = startOf(command);
  // TPM_RC_HANDLE for parameter 1.
  if (code === commands.flushContext.code) return 0x1cb;
  // TPM_RC_REFERENCE_H0.
  if (handle >>> 24 === 0x80) return 0x910;
  // TPM_ST_SESSIONS; TPM_RC_REFERENCE_S0.
  return command[1] === 0x02 ? 0x918 : undefined;
}

function refusal(responseCode: number): Uint8Array {
  const response = Buffer.from('80010000000a00000000', 'hex');
  response.writeUInt32BE(responseCode, 6);
  return response;
}

/** TPM_RC_INITIALIZE: the command was not looked at. */
const notStarted = 0x100;

/** TPM_RC_SESSION_MEMORY, TPM_RC_SESSION_HANDLES. Ours may be among those that are there, their answers altered. */
const outOfSessions: ReadonlySet<number> = new Set([0x903, 0x905]);

const makesHandle: ReadonlySet<number> = new Set(
  [commands.startAuthSession, commands.load, commands.createPrimary].map(({ code }) => code),
);
