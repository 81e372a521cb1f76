import { TPM_CC } from '../structures/tss.ts';
import type { ExchangeOptions } from '../transport/tpm-transport.ts';
import { decodeResponseCode, type TpmResponseCode } from './response-code.ts';
import { runCommand, type CommandChannel } from './run-command.ts';

/** TPM2_SelfTest (TPM 2.0 part 3, 10.2); `rest` tests what has not been tested since power-on. */
export async function selfTest(
  channel: CommandChannel,
  extent: 'full' | 'rest',
  options?: ExchangeOptions,
): Promise<void> {
  const parameters = Uint8Array.of(extent === 'full' ? 1 : 0);
  (await runCommand(channel, { code: TPM_CC.SelfTest, parameters }, options)).end();
}

export interface TestResult {
  /** TPM_RC_SUCCESS, TPM_RC_TESTING, TPM_RC_NEEDS_TEST or TPM_RC_FAILURE. */
  readonly result: TpmResponseCode;
  /** What only the manufacturer can read. */
  readonly data: Uint8Array;
}

/** TPM2_GetTestResult (TPM 2.0 part 3, 10.4), which a TPM in failure mode answers too. */
export async function getTestResult(channel: CommandChannel): Promise<TestResult> {
  const reader = await runCommand(channel, { code: TPM_CC.GetTestResult });
  const data = reader.sized();
  const result = decodeResponseCode(reader.uint32());
  reader.end();
  return { result, data };
}
