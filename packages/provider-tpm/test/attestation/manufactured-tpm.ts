import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Certificate, decodePemOrDer } from '@countersign/core';
import { openTransport, TpmCommandQueue } from '@countersign/provider-tpm';
import { flushObject, type PublicObject, type SessionPool } from '../../src/session/index.ts';
import { makeSrk, saltedPool } from '../session/keys.ts';
import { startSwtpm, type Swtpm } from '../start-swtpm.ts';

const run = promisify(execFile);

/** A connection to the TPM: its one client. */
export interface Client {
  readonly queue: TpmCommandQueue;
  readonly pool: SessionPool;
  readonly srk: PublicObject;
}

/** A TPM in software, manufactured with endorsement keys and their certificates, all of it in a folder of its own. */
export class ManufacturedTpm {
  readonly #swtpm: Swtpm;

  private constructor(swtpm: Swtpm) {
    this.#swtpm = swtpm;
  }

  static async start(): Promise<ManufacturedTpm> {
    return new ManufacturedTpm(await startSwtpm({ over: 'unix', prepare: manufacture }));
  }

  async stop(): Promise<void> {
    await this.#swtpm.stop();
  }

  get folder(): string {
    return this.#swtpm.directory;
  }

  /** Works in sessions salted to a transient SRK, and leaves the TPM without it; tools may follow. */
  async use<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const queue = new TpmCommandQueue(await openTransport(this.#swtpm.uri));
    try {
      const srk = await makeSrk(queue);
      const pool = saltedPool(queue, srk);
      try {
        return await work({ queue, pool, srk });
      } finally {
        await flushObject(pool, srk.handle);
        await pool.close();
      }
    } finally {
      await queue.close();
    }
  }

  /** Runs one of the tpm2-tools in the folder, given without its prefix. Nobody else may be connected. */
  async tool(commandLine: string): Promise<string> {
    const [command = '', ...options] = commandLine.split(' ');
    const environment = { ...process.env, TPM2TOOLS_TCTI: `swtpm:path=${this.#socket}` };
    const circumstances = { cwd: this.folder, env: environment, timeout: 60_000 };
    return (await run(`tpm2_${command}`, options, circumstances)).stdout;
  }

  /** Does with an NV index of these contents what is to be done, and removes it again. */
  async withIndex<T>(
    index: number,
    contents: Uint8Array | { readonly unwrittenBytes: number },
    work: () => Promise<T>,
    attributes = 'ownerwrite|ownerread|authread',
  ): Promise<T> {
    const name = `0x${index.toString(16)}`;
    const size = contents instanceof Uint8Array ? contents.length : contents.unwrittenBytes;
    await this.tool(`nvdefine ${name} -C o -s ${size} -a ${attributes}`);
    try {
      if (contents instanceof Uint8Array) {
        this.write('contents', contents);
        await this.tool(`nvwrite ${name} -C o -i contents`);
      }
      return await work();
    } finally {
      await this.tool(`nvundefine ${name} -C o`);
    }
  }

  /** What is loaded that should not be: transient objects, and sessions loaded or saved, as tpm2_getcap lists them. */
  async leftovers(): Promise<string> {
    const lists = [];
    for (const kind of ['transient', 'loaded-session', 'saved-session']) {
      lists.push(await this.tool(`getcap handles-${kind}`));
    }
    return lists.join('').trim();
  }

  read(name: string): Uint8Array {
    return Uint8Array.from(readFileSync(join(this.folder, name)));
  }

  write(name: string, octets: Uint8Array): void {
    writeFileSync(join(this.folder, name), octets);
  }

  /** The manufacturer's root, and the CA under it. */
  get roots(): { readonly trustAnchors: Certificate[]; readonly certificates: Certificate[] } {
    const certificate = (name: string): Certificate =>
      Certificate.parse(decodePemOrDer(this.read(name), ['CERTIFICATE']));
    return {
      trustAnchors: [certificate('ca/swtpm-localca-rootca-cert.pem')],
      certificates: [certificate('ca/issuercert.pem')],
    };
  }

  get #socket(): string {
    const { endpoint } = this.#swtpm;
    if (endpoint.kind !== 'unix') throw new Error('the tools are to find the TPM at a UNIX socket');
    return endpoint.path;
  }
}

/** The folder gets the TPM's state, and `ca/` the manufacturer's CA and its root. */
async function manufacture(folder: string): Promise<void> {
  const inFolder = (name: string): string => join(folder, name);
  mkdirSync(inFolder('ca'));
  const setup = {
    create_certs_tool: '/usr/bin/swtpm_localca',
    create_certs_tool_config: inFolder('ca.conf'),
    create_certs_tool_options: inFolder('ca.options'),
    active_pcr_banks: 'sha256',
  };
  const ca = {
    statedir: inFolder('ca'),
    signingkey: inFolder('ca/signkey.pem'),
    issuercert: inFolder('ca/issuercert.pem'),
    certserial: inFolder('ca/certserial'),
  };
  writeFileSync(inFolder('setup.conf'), settings(setup));
  writeFileSync(inFolder('ca.conf'), settings(ca));
  writeFileSync(
    inFolder('ca.options'),
    '--platform-manufacturer Test\n--platform-version 1\n--platform-model T\n',
  );
  const state = ['--tpmstate', folder, '--config', inFolder('setup.conf'), '--overwrite'];
  await run('swtpm_setup', ['--tpm2', ...state, '--createek', '--create-ek-cert']);
}

function settings(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
