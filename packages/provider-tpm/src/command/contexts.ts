import { encodeSavedContext, parseSavedContext, type SavedContext } from '../structures/saved-context.ts';
import { TPM_CC } from '../structures/tss.ts';
import { runCommand, type CommandChannel } from './run-command.ts';

/** TPM2_ContextSave (TPM 2.0 part 3, 28.2): a session leaves its slot by it, an object stays until it is flushed. */
export async function contextSave(channel: CommandChannel, handle: number): Promise<SavedContext> {
  const reader = await runCommand(channel, { code: TPM_CC.ContextSave, handles: [handle] });
  return parseSavedContext(reader.rest());
}

/** TPM2_ContextLoad (TPM 2.0 part 3, 28.3). @returns the handle: for a session the old one, for an object a new one. */
export async function contextLoad(channel: CommandChannel, context: SavedContext): Promise<number> {
  const parameters = encodeSavedContext(context);
  const reader = await runCommand(channel, { code: TPM_CC.ContextLoad, parameters });
  const handle = reader.uint32();
  reader.end();
  return handle;
}

/** TPM2_FlushContext (TPM 2.0 part 3, 28.4) of a transient object or a session, loaded or saved. */
export async function flushContext(channel: CommandChannel, handle: number): Promise<void> {
  // The handle stands where parameters do, so that no session can be asked for; the bytes are the same.
  (await runCommand(channel, { code: TPM_CC.FlushContext, handles: [handle] })).end();
}
