import { structureMalformed } from '../structures/marshal.ts';
import { nameOf, parsePublicArea, type PublicArea } from '../structures/public-area.ts';
import { TPM_CC } from '../structures/tss.ts';
import { runCommand, type CommandChannel } from './run-command.ts';

export interface ReadPublicResult {
  readonly publicArea: PublicArea;
  /** nameAlg and digest of the public area; checked. */
  readonly name: Uint8Array;
  readonly qualifiedName: Uint8Array;
}

/**
 * TPM2_ReadPublic (TPM 2.0 part 3, 12.4).
 * @param handle of a loaded or persistent object.
 * @throws CountersignError as `runCommand`; `TPM_REPLY_MALFORMED` also if the name is not that of the public area.
 */
export async function readPublic(channel: CommandChannel, handle: number): Promise<ReadPublicResult> {
  const reader = await runCommand(channel, { code: TPM_CC.ReadPublic, handles: [handle] });
  const publicArea = parsePublicArea(reader.sized());
  const name = reader.sized();
  const qualifiedName = reader.sized();
  reader.end();
  if (Buffer.compare(name, nameOf(publicArea)) !== 0) {
    throw structureMalformed('response to TPM2_ReadPublic', 'its name is not that of its public area');
  }
  return { publicArea, name, qualifiedName };
}
