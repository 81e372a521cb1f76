import { algorithmIds, type HashAlgorithm } from '../algorithms.ts';
import { commands } from '../command-table.ts';
import { permanentHandles } from '../entity.ts';
import { readHash, writeScheme } from '../public-area.ts';
import type { SessionPool } from '../session-pool.ts';
import { TpmReader } from '../wire/tpm-reader.ts';
import { TpmWriter } from '../wire/tpm-writer.ts';
import type { AuthorizedEntity } from './authorized-entity.ts';

export interface SignatureScheme {
  readonly algorithm: 'rsassa' | 'rsapss' | 'ecdsa';
  readonly hash: HashAlgorithm;
}

/** TPMT_SIGNATURE. */
export type TpmSignature =
  | { readonly algorithm: 'rsassa' | 'rsapss'; readonly hash: HashAlgorithm; readonly signature: Uint8Array }
  /** Big-endian. */
  | {
      readonly algorithm: 'ecdsa';
      readonly hash: HashAlgorithm;
      readonly r: Uint8Array;
      readonly s: Uint8Array;
    };

/**
 * TPM2_Sign with an unrestricted key.
 * @param digest of the message, by the hash of the scheme.
 */
export async function sign(
  pool: SessionPool,
  key: AuthorizedEntity,
  digest: Uint8Array,
  scheme: SignatureScheme,
): Promise<TpmSignature> {
  const parameters = writeScheme(new TpmWriter().sized(digest), scheme)
    .u16(hashCheckTicket)
    .u32(permanentHandles.null)
    .u16(0)
    .finish();
  const result = await pool.execute({ layout: commands.sign, handles: [key], parameters }, [
    key.authorization,
  ]);
  const reader = new TpmReader(result.parameters, 'response to TPM2_Sign');
  const signature = readSignature(reader);
  reader.end();
  return signature;
}

export function readSignature(reader: TpmReader): TpmSignature {
  const algorithm = reader.u16();
  switch (algorithm) {
    case algorithmIds.rsassa:
      return { algorithm: 'rsassa', hash: readHash(reader), signature: reader.sized() };
    case algorithmIds.rsapss:
      return { algorithm: 'rsapss', hash: readHash(reader), signature: reader.sized() };
    case algorithmIds.ecdsa:
      return { algorithm: 'ecdsa', hash: readHash(reader), r: reader.sized(), s: reader.sized() };
    default:
      throw reader.malformed(`its signature algorithm is 0x${algorithm.toString(16)}`);
  }
}

/** TPM_ST_HASHCHECK; with an empty digest it says that no ticket is needed. */
const hashCheckTicket = 0x8024;
