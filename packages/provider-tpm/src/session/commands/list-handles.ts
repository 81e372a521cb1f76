import { commands } from '../command-table.ts';
import { exchangeWithoutSessions } from '../exchange-without-sessions.ts';
import type { TpmChannel } from '../tpm-channel.ts';
import { TpmReader } from '../wire/tpm-reader.ts';
import { TpmWriter } from '../wire/tpm-writer.ts';

/** The first handles that TPM2_GetCapability asks for. */
const firstHandles = {
  nvIndex: 0x01000000,
  loadedSession: 0x02000000,
  savedSession: 0x03000000,
  transient: 0x80000000,
  persistent: 0x81000000,
} as const;

/** TPM2_GetCapability(TPM_CAP_HANDLES): what the TPM holds of one kind. Nothing vouches for the answer. */
export async function listHandles(
  channel: TpmChannel,
  kind: keyof typeof firstHandles,
): Promise<readonly number[]> {
  const handles: number[] = [];
  for (let first: number | undefined = firstHandles[kind]; first !== undefined;) {
    const { parameters } = await exchangeWithoutSessions(channel, {
      layout: commands.getCapability,
      handles: [],
      parameters: new TpmWriter().u32(handlesCapability).u32(first).u32(254).finish(),
    });
    const reader = new TpmReader(parameters, 'response to TPM2_GetCapability');
    const more = reader.u8() !== 0;
    if (reader.u32() !== handlesCapability) throw reader.malformed('it is not about handles');
    const count = reader.u32();
    for (let index = 0; index < count; index += 1) handles.push(reader.u32());
    reader.end();
    const last = handles.at(-1);
    if (more && (count === 0 || last === undefined || last < first)) {
      throw reader.malformed('it promises more handles and goes on to none');
    }
    first = more && last !== undefined ? last + 1 : undefined;
  }
  return handles;
}

/** TPM_CAP_HANDLES. */
const handlesCapability = 0x1;
