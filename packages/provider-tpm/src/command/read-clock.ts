import type { ClockInfo } from '../structures/attest.ts';
import { TPM_CC } from '../structures/tss.ts';
import { runCommand, type CommandChannel } from './run-command.ts';

export interface TimeInfo extends ClockInfo {
  /** Milliseconds since the TPM was last powered on. */
  readonly time: bigint;
}

/** TPM2_ReadClock (TPM 2.0 part 3, 29.1). */
export async function readClock(channel: CommandChannel): Promise<TimeInfo> {
  const reader = await runCommand(channel, { code: TPM_CC.ReadClock });
  const info = {
    time: reader.uint64(),
    clock: reader.uint64(),
    resetCount: reader.uint32(),
    restartCount: reader.uint32(),
    safe: reader.yesNo(),
  };
  reader.end();
  return info;
}
