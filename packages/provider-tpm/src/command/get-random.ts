import { CountersignError } from '@countersign/core';
import { structureMalformed } from '../structures/marshal.ts';
import { TPM_CC } from '../structures/tss.ts';
import { runCommand, type CommandChannel } from './run-command.ts';

const maxLength = 0xffff;

/**
 * TPM2_GetRandom (TPM 2.0 part 3, 16.1), repeated until all bytes are there, since a TPM gives at most those of its
 * longest digest at once.
 * @param length 1 to 65535.
 */
export async function getRandom(channel: CommandChannel, length: number): Promise<Uint8Array> {
  if (!Number.isInteger(length) || length < 1 || length > maxLength) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      `${length} random bytes were asked for, and 1 to ${maxLength} are possible`,
      'Ask for fewer, several times.',
    );
  }
  const random = new Uint8Array(length);
  for (let got = 0; got < length;) {
    const wanted = length - got;
    const parameters = Uint8Array.of(wanted >>> 8, wanted & 0xff);
    const reader = await runCommand(channel, { code: TPM_CC.GetRandom, parameters });
    const bytes = reader.sized();
    reader.end();
    if (bytes.length === 0 || bytes.length > wanted) {
      throw structureMalformed(
        'response to TPM2_GetRandom',
        `it has ${bytes.length} of ${wanted} bytes asked for`,
      );
    }
    random.set(bytes, got);
    bytes.fill(0);
    got += bytes.length;
  }
  return random;
}
