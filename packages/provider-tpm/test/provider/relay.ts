import type { Socket } from 'node:net';
import { createSwtpmTransport, TpmCommandQueue, type CommandChannel } from '@countersign/provider-tpm';
import { onTestFinished } from 'vitest';
import type { Swtpm } from '../start-swtpm.ts';
import { startPeer } from '../stream-peer.ts';

/** Stands between a provider and its swtpm, on real sockets, and lets tests use the TPM beside the provider. */
export class Relay implements CommandChannel {
  readonly #queue: TpmCommandQueue;
  #uri = '';
  /** Commands and responses, in turn, as they crossed while `recording`. */
  readonly messages: Buffer[] = [];
  recording = false;
  /** What becomes of a command: forwarded, perhaps as another one, or the client is cut off and the TPM hears nothing. */
  onCommand: (command: Buffer) => Uint8Array | 'hang up' = (command) => command;
  /** What becomes of a response: handed on, perhaps as another one, or the client is cut off without it. */
  onResponse: (response: Buffer, command: Buffer) => Uint8Array | 'hang up' = (response) => response;

  private constructor(tpm: Swtpm) {
    this.#queue = new TpmCommandQueue(createSwtpmTransport(tpm.endpoint));
  }

  static async start(tpm: Swtpm): Promise<Relay> {
    const relay = new Relay(tpm);
    const peer = await startPeer(async (socket, command) => relay.#serve(socket, command));
    onTestFinished(async () => {
      await peer.stop();
      await relay.#queue.close();
    });
    if (peer.endpoint.kind === 'tcp') relay.#uri = `tpm:swtpm=${peer.endpoint.host}:${peer.endpoint.port}`;
    return relay;
  }

  get uri(): string {
    return this.#uri;
  }

  /** As a program beside the provider, past the interception. */
  async exchange(command: Uint8Array): Promise<Uint8Array> {
    return this.#queue.exchange(command);
  }

  honest(): void {
    this.onCommand = (command) => command;
    this.onResponse = (response) => response;
  }

  async #serve(socket: Socket, command: Buffer): Promise<void> {
    if (this.recording) this.messages.push(Buffer.from(command));
    const forwarded = this.onCommand(command);
    if (forwarded === 'hang up') {
      socket.destroy();
      return;
    }
    const response = Buffer.from(await this.#queue.exchange(forwarded));
    if (this.recording) this.messages.push(Buffer.from(response));
    const handedOn = this.onResponse(response, command);
    if (handedOn === 'hang up') socket.destroy();
    else socket.write(handedOn);
  }
}

/** TPM_CC. */
export function codeOf(command: Buffer): number {
  return command.readUInt32BE(6);
}
