import type { CommandLayout } from './command-table.ts';
import { TpmRefusal } from '../command/command-refused.ts';
import { TpmReader } from './wire/tpm-reader.ts';

/** TPM_ST (TPM 2.0 part 2, 6.9). */
export const structureTags = { noSessions: 0x8001, sessions: 0x8002 } as const;

/** TPMS_AUTH_RESPONSE. */
export interface ResponseAuthorization {
  readonly nonceTpm: Uint8Array;
  readonly attributes: number;
  readonly hmac: Uint8Array;
}

/** A response of success, taken apart and not yet authenticated. */
export interface SplitResponse {
  readonly handle: number | undefined;
  readonly parameters: Uint8Array;
  readonly authorizations: readonly ResponseAuthorization[];
}

/**
 * @param sessions how many the command had.
 * @throws TpmRefusal if the TPM did not do it; CountersignError `TPM_STRUCTURE_MALFORMED`.
 */
export function splitResponse(bytes: Uint8Array, layout: CommandLayout, sessions: number): SplitResponse {
  const reader = new TpmReader(bytes, `response to ${layout.name}`);
  const tag = reader.u16();
  const size = reader.u32();
  const responseCode = reader.u32();
  if (size !== bytes.length) throw reader.malformed(`it says ${size} bytes and has ${bytes.length}`);
  if (responseCode !== 0) {
    // A refusal is the header alone (TPM 2.0 part 1, 18): anything more was not made by a TPM.
    if (tag !== structureTags.noSessions) throw reader.malformed(`a refusal has the tag ${tag}`);
    reader.end();
    throw new TpmRefusal(layout.name, responseCode);
  }
  const expectedTag = sessions === 0 ? structureTags.noSessions : structureTags.sessions;
  if (tag !== expectedTag) throw reader.malformed(`its tag is ${tag}, ${expectedTag} is expected`);
  const handle = layout.responseHandle ? reader.u32() : undefined;
  if (sessions === 0) {
    return {
      handle,
      parameters: reader.bytes(bytes.length - (handle === undefined ? 10 : 14)),
      authorizations: [],
    };
  }
  const parameters = reader.bytes(reader.u32());
  const authorizations = Array.from({ length: sessions }, () => ({
    nonceTpm: reader.sized(),
    attributes: reader.u8(),
    hmac: reader.sized(),
  }));
  reader.end();
  return { handle, parameters, authorizations };
}
