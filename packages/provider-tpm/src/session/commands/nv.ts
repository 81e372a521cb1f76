import { commands } from '../command-table.ts';
import { computeName, type Entity } from '../entity.ts';
import { exchangeWithoutSessions } from '../exchange-without-sessions.ts';
import type { TpmCommand } from '../execute-command.ts';
import { readHash } from '../public-area.ts';
import type { SessionPool } from '../session-pool.ts';
import { TpmReader } from '../wire/tpm-reader.ts';
import { TpmWriter } from '../wire/tpm-writer.ts';
import type { AuthorizedEntity } from './authorized-entity.ts';

/** TPMS_NV_PUBLIC. */
export interface NvIndex extends Entity {
  /** TPMA_NV. */
  readonly attributes: number;
  readonly dataBytes: number;
}

/**
 * TPM2_NV_ReadPublic in a session. As in `readPublic` the Name is asked for first, and a lie about it is refused by the
 * TPM.
 */
export async function nvReadPublic(pool: SessionPool, handle: number): Promise<NvIndex> {
  const untrusted = await pool.withChannel(async (channel) =>
    exchangeWithoutSessions(channel, commandFor({ handle, name: new Uint8Array() })),
  );
  const { name } = parse(handle, untrusted.parameters);
  const { parameters } = await pool.execute(commandFor({ handle, name }), []);
  return parse(handle, parameters);
}

/**
 * TPM2_NV_Read of everything, in chunks.
 * @param reader whose authorization the index accepts: the index itself, or the owner.
 * @param index as `nvReadPublic` gave it; its Name may change with its first write.
 * @param chunkBytes no more than TPM_PT_NV_BUFFER_MAX; 512 if absent.
 */
export async function nvRead(
  pool: SessionPool,
  reader: AuthorizedEntity,
  index: NvIndex,
  chunkBytes = defaultChunkBytes,
): Promise<Uint8Array> {
  const data = new Uint8Array(index.dataBytes);
  for (let offset = 0; offset < data.length; offset += chunkBytes) {
    const size = Math.min(chunkBytes, data.length - offset);
    const parameters = new TpmWriter().u16(size).u16(offset).finish();
    const command = { layout: commands.nvRead, handles: [reader, index], parameters };
    const result = await pool.execute(command, [reader.authorization]);
    const response = new TpmReader(result.parameters, 'response to TPM2_NV_Read');
    const chunk = response.sized();
    response.end();
    if (chunk.length !== size)
      throw response.malformed(`it has ${chunk.length} bytes, ${size} were asked for`);
    data.set(chunk, offset);
  }
  return data;
}

/** Below TPM_PT_NV_BUFFER_MAX of the TPMs in the field, and not above the 1,024 that swtpm has. */
const defaultChunkBytes = 512;

function commandFor(index: Entity): TpmCommand {
  return { layout: commands.nvReadPublic, handles: [index], parameters: new Uint8Array() };
}

function parse(handle: number, parameters: Uint8Array): NvIndex {
  const response = new TpmReader(parameters, 'response to TPM2_NV_ReadPublic');
  const publicArea = response.sized();
  const name = response.sized();
  response.end();
  const reader = new TpmReader(publicArea, 'TPMS_NV_PUBLIC');
  const index = reader.u32();
  const nameAlgorithm = readHash(reader);
  const attributes = reader.u32();
  reader.sized(); // authPolicy
  const dataBytes = reader.u16();
  reader.end();
  if (index !== handle) throw reader.malformed(`it is of the index 0x${index.toString(16)}`);
  if (Buffer.compare(computeName(nameAlgorithm, publicArea), name) !== 0) {
    throw response.malformed('its Name is not that of its public area');
  }
  return { handle, name, attributes, dataBytes };
}
