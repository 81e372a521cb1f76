import { commands } from '../command-table.ts';
import { computeName, handleType, handleTypes, type Entity } from '../entity.ts';
import type { TpmResult } from '../execute-command.ts';
import { flushHandle } from '../flush-handle.ts';
import { parsePublicArea } from '../public-area.ts';
import type { SessionPool } from '../session-pool.ts';
import { TpmReader } from '../wire/tpm-reader.ts';
import { TpmWriter } from '../wire/tpm-writer.ts';
import type { AuthorizedEntity } from './authorized-entity.ts';
import { confirmObject, readPublicUntrusted, type PublicObject } from './read-public.ts';

/** What the TPM gives out of a new key: to be loaded under the same parent. */
export interface KeyBlobs {
  /** TPM2B_PRIVATE without its size: encrypted by the parent. */
  readonly privateArea: Uint8Array;
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
}

export interface CreatedKey extends KeyBlobs {
  /** TPMS_CREATION_DATA. */
  readonly creationData: Uint8Array;
  readonly creationHash: Uint8Array;
  /** TPMT_TK_CREATION. */
  readonly creationTicket: Uint8Array;
}

export interface KeyTemplate {
  /** TPMT_PUBLIC with an empty `unique`, see `encodePublicArea`. */
  readonly publicArea: Uint8Array;
  /** The authValue of the new key; crosses the bus encrypted. The caller wipes it. */
  readonly authValue: Uint8Array;
}

/** TPM2_Create. */
export async function create(
  pool: SessionPool,
  parent: AuthorizedEntity,
  template: KeyTemplate,
): Promise<CreatedKey> {
  const { parameters } = await withTemplate(template, async (templateParameters) =>
    pool.execute({ layout: commands.create, handles: [parent], parameters: templateParameters }, [
      parent.authorization,
    ]),
  );
  const reader = new TpmReader(parameters, 'response to TPM2_Create');
  const created = {
    privateArea: reader.sized(),
    publicArea: reader.sized(),
    creationData: reader.sized(),
    creationHash: reader.sized(),
    creationTicket: reader.spanOf((ticket) => {
      ticket.u16();
      ticket.u32();
      ticket.sized();
    }),
  };
  reader.end();
  return created;
}

/** TPM2_CreatePrimary. The caller flushes the object. */
export async function createPrimary(
  pool: SessionPool,
  hierarchy: AuthorizedEntity,
  template: KeyTemplate,
): Promise<PublicObject> {
  const result = await withTemplate(template, async (parameters) =>
    pool.execute({ layout: commands.createPrimary, handles: [hierarchy], parameters }, [
      hierarchy.authorization,
    ]),
  );
  const publicArea = new TpmReader(result.parameters, 'response to TPM2_CreatePrimary');
  const bytes = publicArea.sized();
  return confirmNewObject(pool, result, computeName(parsePublicArea(bytes).nameAlgorithm, bytes));
}

/** TPM2_Load. The caller flushes the object. */
export async function load(
  pool: SessionPool,
  parent: AuthorizedEntity,
  blobs: KeyBlobs,
): Promise<PublicObject> {
  const parameters = new TpmWriter().sized(blobs.privateArea).sized(blobs.publicArea).finish();
  const result = await pool.execute({ layout: commands.load, handles: [parent], parameters }, [
    parent.authorization,
  ]);
  const reader = new TpmReader(result.parameters, 'response to TPM2_Load');
  const name = reader.sized();
  reader.end();
  return confirmNewObject(pool, result, name);
}

/**
 * TPM2_ObjectChangeAuth: the private area under a new authValue. The loaded key, and the old private area, keep the old
 * one. @returns TPM2B_PRIVATE without its size.
 */
export async function objectChangeAuth(
  pool: SessionPool,
  key: AuthorizedEntity,
  parent: Entity,
  newAuthValue: Uint8Array,
): Promise<Uint8Array> {
  const parameters = new TpmWriter().sized(newAuthValue).finish();
  try {
    const command = { layout: commands.objectChangeAuth, handles: [key, parent], parameters };
    const result = await pool.execute(command, [key.authorization]);
    const reader = new TpmReader(result.parameters, 'response to TPM2_ObjectChangeAuth');
    const privateArea = reader.sized();
    reader.end();
    return privateArea;
  } finally {
    parameters.fill(0);
  }
}

/** TPM2_EvictControl: makes a loaded object persistent, or removes the persistent object that is given as `object`. */
export async function evictControl(
  pool: SessionPool,
  hierarchy: AuthorizedEntity,
  object: Entity,
  persistentHandle: number,
): Promise<void> {
  const parameters = new TpmWriter().u32(persistentHandle).finish();
  const command = { layout: commands.evictControl, handles: [hierarchy, object], parameters };
  await pool.execute(command, [hierarchy.authorization]);
}

/** TPM2_FlushContext of a transient object. That it is gone already is as good. */
export async function flushObject(pool: SessionPool, handle: number): Promise<void> {
  await pool.withChannel(async (channel) => flushHandle(channel, handle));
}

/** TPM2B_SENSITIVE_CREATE, TPM2B_PUBLIC, and neither outsideInfo nor PCRs. */
async function withTemplate<T>(
  { publicArea, authValue }: KeyTemplate,
  work: (parameters: Uint8Array) => Promise<T>,
): Promise<T> {
  const parameters = new TpmWriter()
    .u16(4 + authValue.length)
    .sized(authValue)
    .u16(0)
    .sized(publicArea)
    .u16(0)
    .u32(0)
    .finish();
  try {
    return await work(parameters);
  } finally {
    parameters.fill(0);
  }
}

/**
 * The handle is the one part of a response that no HMAC covers, so the TPM is asked what stands there. Where it is not
 * what was made, nothing is left at that handle if it is that object after all.
 */
async function confirmNewObject(
  pool: SessionPool,
  { handle }: TpmResult,
  name: Uint8Array,
): Promise<PublicObject> {
  if (handle === undefined || handleType(handle) !== handleTypes.transient) {
    throw new TpmReader(new Uint8Array(), 'response to the making of an object').malformed(
      `0x${handle?.toString(16) ?? ''} is no handle of a transient object`,
    );
  }
  try {
    return await confirmObject(pool, { handle, name });
  } catch (error) {
    await flushIfNamed(pool, handle, name);
    throw error;
  }
}

async function flushIfNamed(pool: SessionPool, handle: number, name: Uint8Array): Promise<void> {
  try {
    await pool.withChannel(async (channel) => {
      const found = await readPublicUntrusted(channel, handle);
      if (Buffer.compare(found.name, name) === 0) await flushHandle(channel, handle);
    });
  } catch {
    // Cleaning up after an error that is told: what fails here adds nothing to it.
  }
}
