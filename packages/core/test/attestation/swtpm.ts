import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Certificate, decodePemOrDer, TpmPublicArea } from '@countersign/core';

const run = promisify(execFile);

/** Whether the emulator, its set-up with certificates and the tools are installed. */
export const hasSwtpm = ['swtpm', 'swtpm_setup', 'tpm2_createak'].every(
  (command) => spawnSync(command, ['--version']).error === undefined,
);

/** An emulated TPM, manufactured with endorsement keys and their certificates, on a UNIX socket in a folder of its own. */
export class Swtpm {
  readonly folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, process: ChildProcess) {
    this.folder = folder;
    this.#process = process;
  }

  static async start(): Promise<Swtpm> {
    const folder = mkdtempSync(join(tmpdir(), 'swtpm-'));
    try {
      await manufacture(folder);
      return new Swtpm(folder, await emulate(folder));
    } catch (error) {
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  /** Runs one of the tpm2-tools in the folder, given without its prefix; then frees the slots that it filled. */
  async tool(commandLine: string): Promise<string> {
    const [command = '', ...options] = commandLine.split(' ');
    const environment = { ...process.env, TPM2TOOLS_TCTI: `swtpm:path=${join(this.folder, 'socket')}` };
    const settings = { cwd: this.folder, env: environment, timeout: 60_000 };
    const { stdout } = await run(`tpm2_${command}`, options, settings);
    await run('tpm2_flushcontext', ['-t'], settings);
    return stdout;
  }

  file(name: string): Uint8Array {
    return Uint8Array.from(readFileSync(join(this.folder, name)));
  }

  write(name: string, octets: Uint8Array): void {
    writeFileSync(join(this.folder, name), octets);
  }

  /** TPMT_PUBLIC out of the TPM2B_PUBLIC that the tools write. */
  publicArea(name: string): TpmPublicArea {
    return TpmPublicArea.parse(this.file(name).subarray(2));
  }

  certificate(name: string): Certificate {
    return Certificate.parse(decodePemOrDer(this.file(name), ['CERTIFICATE']));
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill();
    await ended;
    rmSync(this.folder, { recursive: true });
  }
}

/** Starts the emulator and waits until it listens. A connection to find out would keep it from the next. */
async function emulate(folder: string): Promise<ChildProcess> {
  const socket = join(folder, 'socket');
  const emulator = spawn(
    'swtpm',
    `socket --tpm2 --tpmstate dir=${join(folder, 'tpm')} --server type=unixio,path=${socket} --ctrl type=unixio,path=${socket}.ctrl --flags not-need-init,startup-clear`.split(
      ' ',
    ),
    { stdio: 'ignore' },
  );
  while (!existsSync(socket)) {
    if (emulator.exitCode !== null) throw new Error(`swtpm ended with ${emulator.exitCode}`);
    await delay(10);
  }
  return emulator;
}

/** `ca/` holds the manufacturer's CA and its root, `tpm/` the TPM's state. */
async function manufacture(folder: string): Promise<void> {
  const inFolder = (name: string): string => join(folder, name);
  for (const name of ['tpm', 'ca']) mkdirSync(inFolder(name));
  writeFileSync(
    inFolder('setup.conf'),
    `create_certs_tool=/usr/bin/swtpm_localca
create_certs_tool_config=${inFolder('ca.conf')}
create_certs_tool_options=${inFolder('ca.options')}
active_pcr_banks=sha256
`,
  );
  writeFileSync(
    inFolder('ca.conf'),
    `statedir=${inFolder('ca')}
signingkey=${inFolder('ca/signkey.pem')}
issuercert=${inFolder('ca/issuercert.pem')}
certserial=${inFolder('ca/certserial')}
`,
  );
  writeFileSync(
    inFolder('ca.options'),
    '--platform-manufacturer Test\n--platform-version 1\n--platform-model T\n',
  );
  await run(
    'swtpm_setup',
    `--tpm2 --tpmstate ${inFolder('tpm')} --config ${inFolder('setup.conf')} --createek --create-ek-cert --overwrite`.split(
      ' ',
    ),
  );
}
