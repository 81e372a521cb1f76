import type { TpmChannel } from '../../src/session/index.ts';

/** Keeps everything that crosses. */
export class RecordingChannel implements TpmChannel {
  readonly messages: Uint8Array[] = [];
  readonly #channel: TpmChannel;

  constructor(channel: TpmChannel) {
    this.#channel = channel;
  }

  async exchange(command: Uint8Array): Promise<Uint8Array> {
    this.messages.push(Uint8Array.from(command));
    const response = await this.#channel.exchange(command);
    this.messages.push(Uint8Array.from(response));
    return response;
  }

  contains(secret: Uint8Array): boolean {
    return this.messages.some((message) => Buffer.from(message).indexOf(secret) !== -1);
  }

  /** The commands with this code. */
  commandsOf(code: number): readonly Uint8Array[] {
    return this.messages.filter((message, index) => index % 2 === 0 && codeOf(message) === code);
  }
}

type Tampering = {
  readonly command?: (command: Uint8Array) => Uint8Array;
  readonly response?: (response: Uint8Array) => Uint8Array;
};

/** An interposer that tampers with commands of one code, or their responses, while it is armed. */
export class InterposedChannel implements TpmChannel {
  readonly #channel: TpmChannel;
  #code: number | undefined;
  #tampering: Tampering = {};

  constructor(channel: TpmChannel) {
    this.#channel = channel;
  }

  /** Tampers once. */
  arm(code: number, tampering: Tampering): void {
    this.#code = code;
    this.#tampering = tampering;
  }

  /** Whether what it was armed with has still to happen. */
  get armed(): boolean {
    return this.#code !== undefined;
  }

  async exchange(command: Uint8Array): Promise<Uint8Array> {
    if (codeOf(command) !== this.#code) return this.#channel.exchange(command);
    const { command: alterCommand, response: alterResponse } = this.#tampering;
    this.#code = undefined;
    const response = await this.#channel.exchange(alterCommand?.(command) ?? command);
    return alterResponse?.(response) ?? response;
  }
}

export function codeOf(command: Uint8Array): number {
  return Buffer.from(command).readUInt32BE(6);
}
