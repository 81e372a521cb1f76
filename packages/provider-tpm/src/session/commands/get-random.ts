import { commands } from '../command-table.ts';
import type { SessionPool } from '../session-pool.ts';
import { TpmReader } from '../wire/tpm-reader.ts';
import { TpmWriter } from '../wire/tpm-writer.ts';

/** TPM2_GetRandom, encrypted on the bus, as often as it takes: a TPM gives no more at once than its largest digest. */
export async function getRandom(pool: SessionPool, length: number): Promise<Uint8Array> {
  const random = new Uint8Array(length);
  for (let offset = 0; offset < length;) {
    const parameters = new TpmWriter().u16(Math.min(length - offset, 32)).finish();
    const result = await pool.execute({ layout: commands.getRandom, handles: [], parameters }, []);
    const reader = new TpmReader(result.parameters, 'response to TPM2_GetRandom');
    const bytes = reader.sized();
    reader.end();
    if (bytes.length === 0 || bytes.length > length - offset) {
      throw reader.malformed(`it has ${bytes.length} bytes, ${length - offset} were asked for`);
    }
    random.set(bytes, offset);
    offset += bytes.length;
    bytes.fill(0);
    result.parameters.fill(0);
  }
  return random;
}
