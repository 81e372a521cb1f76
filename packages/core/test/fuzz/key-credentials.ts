import { createKeyCredential, encodeBcryptKeyBlob, KeyCredential } from '@countersign/core';
import { blob, entriesOf, withHashes } from '../key-credential/blobs.ts';
import { fieldsOf } from '../key-credential/credential-fields.ts';
import { realBlob } from '../key-credential/real-blobs.ts';

export const keyCredentials: readonly Uint8Array[] = [
  'userKey',
  'entraUserKeyWithRoca',
  'computerKey',
  'deviceKeyInTpm',
  'fidoKey',
].map(realBlob);

/** A blob without KeyID and KeyHash, which would keep all mutants from the readers of what is behind them. */
export function unhashed(octets: Uint8Array): Uint8Array {
  return blob(entriesOf(octets).filter(({ id }) => id > 2));
}

/**
 * Reads a blob with the hashes that it wants, and writes it from its fields.
 * @throws Error if that is another key credential; no refusal, so that the fuzzer finds it
 */
export function readAndRewriteKeyCredential(document: Uint8Array): undefined {
  const credential = KeyCredential.parse(withHashes(entriesOf(document)));
  const { keyMaterial, lastLogonAt, createdAt } = credential;
  const written = createKeyCredential(fieldsOf(credential));
  const times = [written.lastLogonAt, written.createdAt].map(Number).join();
  const sameTimes = times === [lastLogonAt, createdAt].map(Number).join();
  if (!sameTimes || exactEntries(written.octets) !== exactEntries(credential.octets)) {
    throw new Error('the key credential was written as another');
  }
  if (keyMaterial.format !== 'opaque' && keyMaterial.publicKey.algorithm !== 'ed25519') {
    encodeBcryptKeyBlob(keyMaterial.publicKey);
  }
  return undefined;
}

/** All but the hash, the source, which is written where it was left out, and times, which are cut to the millisecond. */
function exactEntries(octets: Uint8Array): string {
  return JSON.stringify(entriesOf(octets).filter(({ id }) => id !== 2 && id !== 5 && id < 8));
}
