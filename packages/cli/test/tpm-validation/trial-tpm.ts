import { execFile } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { startSoftwareTpm } from '@countersign/provider-tpm';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from '../temporary-directory.ts';

const run = promisify(execFile);

/** A TPM in software with endorsement keys and their certificates, for one test. */
export interface TrialTpm {
  readonly uri: string;
  /** Path of its UNIX socket. */
  readonly socket: string;
  readonly directory: string;
  /** PEM file. */
  readonly endorsementRoots: string;
  /** Runs one of the tpm2-tools, given without its prefix. */
  tool(commandLine: string): Promise<string>;
}

/** @param lockout how it guards against guessing; as Windows has it if absent */
export async function startTrialTpm(
  lockout: { readonly maxTries: number; readonly recoverySeconds: number } = {
    maxTries: 32,
    recoverySeconds: 600,
  },
): Promise<TrialTpm> {
  const { path: directory, remove } = await temporaryDirectory();
  onTestFinished(remove);
  const tpm = await startSoftwareTpm(join(directory, 'tpm'));
  onTestFinished(async () => tpm.stop());
  const socket = decodeURIComponent(tpm.uri.replace('tpm:swtpm-unix=', ''));
  // Where tpm2-tools look for the channel that controls it.
  await symlink(join(dirname(socket), 'control'), `${socket}.ctrl`);
  const tool = async (commandLine: string): Promise<string> => {
    const [command = '', ...options] = commandLine.split(' ');
    const environment = { ...process.env, TPM2TOOLS_TCTI: `swtpm:path=${socket}` };
    return (await run(`tpm2_${command}`, options, { cwd: directory, env: environment, timeout: 60_000 }))
      .stdout;
  };
  const { maxTries, recoverySeconds } = lockout;
  await tool(
    `dictionarylockout --setup-parameters --max-tries=${maxTries} --recovery-time=${recoverySeconds} --lockout-recovery-time=0`,
  );
  return { uri: tpm.uri, socket, directory, endorsementRoots: tpm.endorsementRoots, tool };
}

/** Where swtpm's manufacturer leaves certificates: of an RSA key, and of one on P-384. */
export const certificateIndices = ['0x01c00002', '0x01c00016'] as const;

/** Puts other contents where the manufacturer left a certificate. */
export async function replaceCertificate(
  tpm: TrialTpm,
  index: string,
  certificate: Uint8Array,
): Promise<void> {
  await tpm.tool(`nvundefine ${index} -C p`);
  await writeFile(join(tpm.directory, 'certificate'), certificate);
  await tpm.tool(
    `nvdefine ${index} -C p -s ${certificate.length} -a ppwrite|ppread|ownerread|authread|no_da|platformcreate`,
  );
  await tpm.tool(`nvwrite ${index} -C p -i certificate`);
}

/** What tools see of all that a validation must not change. */
export async function stateOf(tpm: TrialTpm): Promise<string> {
  const parts = [];
  for (const kind of ['persistent', 'nv-index', 'transient', 'loaded-session', 'saved-session']) {
    parts.push(kind, await tpm.tool(`getcap handles-${kind}`));
  }
  const variable = await tpm.tool('getcap properties-variable');
  return [...parts, ...variable.split('\n').filter((line) => /LOCKOUT|AUTH/i.test(line))].join('\n');
}
