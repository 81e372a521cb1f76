import { structureMalformed } from '../structures/marshal.ts';
import { StructureReader } from '../structures/structure-reader.ts';
import { headerLength } from '../transport/message-frame.ts';
import type { ExchangeOptions } from '../transport/tpm-transport.ts';
import { commandName } from './command-name.ts';
import { commandRefused } from './command-refused.ts';
import { responseCodeOf } from './response-code.ts';

/** Where commands go: a `TpmCommandQueue`, or what stands in for one. */
export interface CommandChannel {
  exchange(command: Uint8Array, options?: ExchangeOptions): Promise<Uint8Array>;
}

/** A command that no session authorizes (TPM 2.0 part 1, 18.2). */
export interface PlainCommand {
  /** TPM_CC. */
  readonly code: number;
  readonly handles?: readonly number[];
  readonly parameters?: Uint8Array;
}

/**
 * Sends a command without sessions.
 * @returns what follows the header of the response: handle, then parameters. The caller reads it to its end.
 * @throws CountersignError `TPM_REFUSED` or `TPM_BUSY` for a response code, `TPM_REPLY_MALFORMED`, and what `exchange` throws.
 */
export async function runCommand(
  channel: CommandChannel,
  command: PlainCommand,
  options?: ExchangeOptions,
): Promise<StructureReader> {
  const response = await channel.exchange(encodePlainCommand(command), options);
  const name = `response to ${commandName(command.code)}`;
  if (response.length < headerLength) throw structureMalformed(name, `it has ${response.length} bytes`);
  const responseCode = responseCodeOf(response);
  if (responseCode !== 0) throw commandRefused(command.code, responseCode);
  const reader = new StructureReader(name, response);
  const tag = reader.uint16();
  if (tag !== noSessions) throw structureMalformed(name, `its tag is 0x${tag.toString(16)}`);
  reader.bytes(headerLength - 2);
  return reader;
}

/** TPM_ST_NO_SESSIONS. */
const noSessions = 0x8001;

function encodePlainCommand({ code, handles = [], parameters = new Uint8Array() }: PlainCommand): Uint8Array {
  const command = new Uint8Array(headerLength + 4 * handles.length + parameters.length);
  const view = new DataView(command.buffer);
  view.setUint16(0, noSessions);
  view.setUint32(2, command.length);
  view.setUint32(6, code);
  for (const [index, handle] of handles.entries()) view.setUint32(headerLength + 4 * index, handle);
  command.set(parameters, headerLength + 4 * handles.length);
  return command;
}
