import type { TpmCommand } from './execute-command.ts';
import { splitResponse, structureTags, type SplitResponse } from './response.ts';
import type { TpmChannel } from './tpm-channel.ts';
import { TpmWriter } from './wire/tpm-writer.ts';

/** One command that nothing authenticates, in either direction: for what needs no trust, or starts it. */
export async function exchangeWithoutSessions(
  channel: TpmChannel,
  { layout, handles, parameters }: TpmCommand,
): Promise<SplitResponse> {
  const size = 10 + 4 * handles.length + parameters.length;
  const writer = new TpmWriter().u16(structureTags.noSessions).u32(size).u32(layout.code);
  for (const { handle } of handles) writer.u32(handle);
  return splitResponse(await channel.exchange(writer.bytes(parameters).finish()), layout, 0);
}
