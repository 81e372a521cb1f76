import { listHandles } from '../session/commands/list-handles.ts';
import { nvRead, nvReadPublic, type NvIndex } from '../session/commands/nv.ts';
import { properties, readProperty } from '../session/commands/read-property.ts';
import { entityNamedByHandle, permanentHandles } from '../session/entity.ts';
import type { Authorization, SessionPool } from '../session/session-pool.ts';

/** The NV indices that the TPM has, ascending. Nothing vouches for the answer. */
export async function listNvIndices(pool: SessionPool): Promise<readonly number[]> {
  return pool.withChannel(async (channel) => listHandles(channel, 'nvIndex'));
}

/**
 * All that an NV index holds, in chunks no larger than TPM_PT_NV_BUFFER_MAX.
 * @param owner authorization for indices that cannot be read with their own authValue; an empty authValue if absent
 * @returns nothing if the index was never written
 */
export async function nvContents(
  pool: SessionPool,
  handle: number,
  owner: Authorization | undefined,
): Promise<Uint8Array> {
  const index = await nvReadPublic(pool, handle);
  if ((index.attributes & nvAttributes.written) === 0) return new Uint8Array();
  return nvRead(pool, readerOf(index, owner), index, await chunkBytes(pool));
}

export function nvIndexName(index: number): string {
  return `NV index 0x${index.toString(16).padStart(8, '0')}`;
}

/** The index authorizes itself with an empty authValue, as the profile has it; where it does not, the owner may read. */
function readerOf(
  index: NvIndex,
  owner: Authorization = { kind: 'hmac', authValue: new Uint8Array() },
): Parameters<typeof nvRead>[1] {
  return (index.attributes & nvAttributes.authRead) === 0
    ? { ...entityNamedByHandle(permanentHandles.owner), authorization: owner }
    : { ...index, authorization: { kind: 'hmac', authValue: new Uint8Array() } };
}

/** As much at once as the TPM gives, but no more than leaves room for sessions in its response buffer. */
async function chunkBytes(pool: SessionPool): Promise<number | undefined> {
  const most = await pool.withChannel(async (channel) => readProperty(channel, properties.nvBufferMax));
  return most === undefined || most === 0 ? undefined : Math.min(most, 1024);
}

/** TPMA_NV (TPM 2.0 part 2, 13.4). */
const nvAttributes = { authRead: 0x00040000, written: 0x20000000 } as const;
