import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TpmProvider } from '@countersign/provider-tpm';
import { expect } from 'vitest';
import { openProvider, startTpm } from './scene.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** A TPM that a provider and other programs use in turn. */
export interface Bench {
  /** Path of a file of the bench; `message` is there from the start. */
  readonly at: (name: string) => string;
  readonly provider: () => Promise<TpmProvider>;
  /** OpenSSL, with Debian's tpm2-openssl on this TPM. */
  readonly openssl: (...parameters: readonly string[]) => Promise<void>;
  /** One of tpm2-tools. @returns what it prints */
  readonly tool: (name: string, ...parameters: readonly string[]) => Promise<string>;
  /** As tpm2-tools see it. */
  readonly expectNothingLeft: () => Promise<void>;
}

export async function makeBench(): Promise<Bench> {
  const { uri, endpoint } = await startTpm();
  if (endpoint.kind !== 'tcp') throw new Error('the TPM has no port');
  const directory = await temporaryDirectory();
  const at = (name: string): string => join(directory, name);
  const tcti = `swtpm:host=${endpoint.host},port=${endpoint.port}`;
  const env = { ...process.env, TPM2OPENSSL_TCTI: tcti, TPM2TOOLS_TCTI: tcti, TSS2_LOG: 'all+NONE' };
  const run = async (name: string, parameters: readonly string[]): Promise<string> =>
    (await promisify(execFile)(name, parameters, { env })).stdout;
  await writeFile(at('message'), 'message');
  return {
    at,
    provider: async () => openProvider({ uri, storeDirectory: at('keys') }),
    openssl: async (...parameters) => void (await run('openssl', parameters)),
    tool: async (name, ...parameters) => run(name, parameters),
    async expectNothingLeft() {
      for (const kind of ['transient', 'loaded-session', 'saved-session']) {
        expect(await run('tpm2_getcap', [`handles-${kind}`])).toBe('');
      }
    },
  };
}
