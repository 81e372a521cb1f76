import { CountersignError } from '@countersign/core';
import { TPM_CC, TPM_SU } from '../structures/tss.ts';
import { responseCodeOf } from './response-code.ts';
import { runCommand, type CommandChannel } from './run-command.ts';

/** `clear` begins afresh, `state` with what TPM2_Shutdown(STATE) saved. */
export type StartupType = 'clear' | 'state';

/** TPM2_Startup (TPM 2.0 part 3, 9.3): needed once after power-on, and done by firmware on real machines. */
export async function startup(
  channel: CommandChannel,
  type: StartupType,
): Promise<'started' | 'already-started'> {
  let alreadyStarted = false;
  const watched: CommandChannel = {
    async exchange(command, options) {
      const response = await channel.exchange(command, options);
      alreadyStarted = responseCodeOf(response) === alreadyStartedCode;
      return response;
    },
  };
  try {
    (await runCommand(watched, { code: TPM_CC.Startup, parameters: startupType(type) })).end();
    return 'started';
  } catch (error) {
    if (alreadyStarted && error instanceof CountersignError) return 'already-started';
    throw error;
  }
}

/** TPM2_Shutdown (TPM 2.0 part 3, 9.4): without it before power goes, the TPM takes it for an attack. */
export async function shutdown(channel: CommandChannel, type: StartupType): Promise<void> {
  (await runCommand(channel, { code: TPM_CC.Shutdown, parameters: startupType(type) })).end();
}

/** TPM_RC_INITIALIZE. */
const alreadyStartedCode = 0x100;

function startupType(type: StartupType): Uint8Array {
  const parameters = new Uint8Array(2);
  new DataView(parameters.buffer).setUint16(0, type === 'clear' ? TPM_SU.CLEAR : TPM_SU.STATE);
  return parameters;
}
