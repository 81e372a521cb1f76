import { commands } from '../command-table.ts';
import { exchangeWithoutSessions } from '../exchange-without-sessions.ts';
import type { TpmChannel } from '../tpm-channel.ts';
import { TpmReader } from '../wire/tpm-reader.ts';
import { TpmWriter } from '../wire/tpm-writer.ts';

/** TPM_PT (TPM 2.0 part 2, 6.13). */
export const properties = { nvBufferMax: 0x12c } as const;

/**
 * TPM2_GetCapability(TPM_CAP_TPM_PROPERTIES) of one property. Nothing vouches for the answer.
 * @returns undefined if the TPM does not have it
 */
export async function readProperty(channel: TpmChannel, property: number): Promise<number | undefined> {
  const { parameters } = await exchangeWithoutSessions(channel, {
    layout: commands.getCapability,
    handles: [],
    parameters: new TpmWriter().u32(propertiesCapability).u32(property).u32(1).finish(),
  });
  const reader = new TpmReader(parameters, 'response to TPM2_GetCapability');
  reader.u8(); // moreData
  if (reader.u32() !== propertiesCapability) throw reader.malformed('it is not about properties');
  const count = reader.u32();
  if (count > 1) throw reader.malformed(`it has ${count} properties, one was asked for`);
  if (count === 0) return undefined;
  // The TPM answers with the next property that it has.
  const found = reader.u32();
  const value = reader.u32();
  reader.end();
  return found === property ? value : undefined;
}

/** TPM_CAP_TPM_PROPERTIES. */
const propertiesCapability = 0x6;
