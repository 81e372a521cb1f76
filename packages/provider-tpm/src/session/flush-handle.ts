import { commands } from './command-table.ts';
import { exchangeWithoutSessions } from './exchange-without-sessions.ts';
import type { TpmChannel } from './tpm-channel.ts';
import { TpmRefusal } from '../command/command-refused.ts';
import { TpmWriter } from './wire/tpm-writer.ts';

/** TPM2_FlushContext of a session or transient object. That it is not there (any more) is as good. */
export async function flushHandle(channel: TpmChannel, handle: number): Promise<void> {
  try {
    await exchangeWithoutSessions(channel, {
      layout: commands.flushContext,
      handles: [],
      parameters: new TpmWriter().u32(handle).finish(),
    });
  } catch (error) {
    if (!(error instanceof TpmRefusal) || !noSuchHandle.has(error.responseCode)) throw error;
  }
}

/** TPM_RC_HANDLE and TPM_RC_VALUE of parameter 1: nothing is there, nothing can be there. */
const noSuchHandle: ReadonlySet<number> = new Set([0x1cb, 0x1c4]);
