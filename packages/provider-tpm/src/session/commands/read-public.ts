import { commands } from '../command-table.ts';
import { computeName, type Entity } from '../entity.ts';
import { exchangeWithoutSessions } from '../exchange-without-sessions.ts';
import type { TpmCommand } from '../execute-command.ts';
import { parsePublicArea } from '../public-area.ts';
import type { SessionPool } from '../session-pool.ts';
import type { TpmChannel } from '../tpm-channel.ts';
import { TpmReader } from '../wire/tpm-reader.ts';

export interface PublicObject extends Entity {
  /** TPMT_PUBLIC. Its digest is in the Name. */
  readonly publicArea: Uint8Array;
}

/**
 * TPM2_ReadPublic in a session: what comes back is what the TPM holds at this handle. The Name is asked for without one
 * first, because the session needs it; a lie in that answer makes the TPM refuse the second command.
 */
export async function readPublic(pool: SessionPool, handle: number): Promise<PublicObject> {
  const { name } = await pool.withChannel(async (channel) => readPublicUntrusted(channel, handle));
  return confirmObject(pool, { handle, name });
}

/** Has the TPM vouch that the object at this handle is the one with this Name. */
export async function confirmObject(pool: SessionPool, entity: Entity): Promise<PublicObject> {
  const { parameters } = await pool.execute(commandFor(entity), []);
  const object = parse(entity.handle, parameters);
  if (Buffer.compare(object.name, entity.name) !== 0) {
    throw new TpmReader(parameters, 'response to TPM2_ReadPublic').malformed(
      'it has another Name than was asked for',
    );
  }
  return object;
}

/**
 * TPM2_ReadPublic without a session: nothing vouches for the answer. It serves to learn, once and at a time when the bus
 * is trusted, the Name of a storage root key (trust on first use): keep that Name in durable storage, and give it to
 * `SaltKey.pin` ever after.
 */
export async function readPublicUntrusted(channel: TpmChannel, handle: number): Promise<PublicObject> {
  const { parameters } = await exchangeWithoutSessions(
    channel,
    commandFor({ handle, name: new Uint8Array() }),
  );
  return parse(handle, parameters);
}

function commandFor(entity: Entity): TpmCommand {
  return { layout: commands.readPublic, handles: [entity], parameters: new Uint8Array() };
}

function parse(handle: number, parameters: Uint8Array): PublicObject {
  const reader = new TpmReader(parameters, 'response to TPM2_ReadPublic');
  const publicArea = reader.sized();
  const name = reader.sized();
  reader.sized(); // qualifiedName
  reader.end();
  if (Buffer.compare(computeName(parsePublicArea(publicArea).nameAlgorithm, publicArea), name) !== 0) {
    throw reader.malformed('its Name is not that of its public area');
  }
  return { handle, publicArea, name };
}
