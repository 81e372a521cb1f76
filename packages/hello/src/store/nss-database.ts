import { access, constants } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Certificate, CountersignError } from '@countersign/core';
import { ensurePrivateDirectory, withLock } from '@countersign/state';
import type { CertificatePlace } from './certificate-place.ts';
import { nssFailure, runNssTool } from './nss-tools.ts';

export interface NssDatabaseOptions {
  /** Folder of `cert9.db`, such as `~/.pki/nssdb`; an empty database without a password is made if there is none. */
  readonly directory: string;
  /**
   * How the certificate is called, such as the user's UPN. Its serial number is put behind it: NSS finds and deletes by
   * nickname, and certificates of one name that follow each other must stay apart.
   */
  readonly nickname: string;
  /** The PKCS#11 module whose token has the key: the database is told of it, so that NSS finds the key. */
  readonly module?: { readonly name: string; readonly path: string };
}

/** A user's certificate in an NSS database, as browsers and mail programs have one. */
export interface NssDatabase extends CertificatePlace {
  /**
   * Whether NSS finds the private key that goes with the certificate. It looks on the tokens on which the same
   * certificate lies beside its key.
   */
  findsKey(certificate: Uint8Array): Promise<boolean>;
}

/**
 * @throws CountersignError `VALUE_OUT_OF_RANGE` for a nickname or a module name that NSS could take for something else
 */
export function nssDatabase({ directory, nickname, module }: NssDatabaseOptions): NssDatabase {
  assertName('nickname', nickname);
  if (module !== undefined) assertName('name of the module', module.name);
  return new SqlDatabase(resolve(directory), nickname, module);
}

class SqlDatabase implements NssDatabase {
  readonly name: string;
  readonly #directory: string;
  readonly #nickname: string;
  readonly #module: NssDatabaseOptions['module'];

  constructor(directory: string, nickname: string, module: NssDatabaseOptions['module']) {
    this.name = `the NSS database ${directory}`;
    this.#directory = directory;
    this.#nickname = nickname;
    this.#module = module;
  }

  async put(certificate: Uint8Array, replaces?: Uint8Array): Promise<void> {
    const nickname = this.#nicknameOf(certificate);
    await ensurePrivateDirectory(this.#directory);
    await this.#exclusively(async () => {
      await this.#ensureDatabase();
      await this.#ensureModule();
      const result = await this.#certutil(['-A', '-n', nickname, '-t', ',,'], certificate);
      if (result.status !== 0) throw nssFailure(`${this.name} does not take the certificate`, result);
      if (!(await this.#has(certificate))) {
        throw nssFailure(`${this.name} took the certificate and does not have it`, result);
      }
      if (replaces !== undefined && Buffer.compare(replaces, certificate) !== 0) await this.#delete(replaces);
    });
  }

  async remove(certificate: Uint8Array): Promise<void> {
    if (!(await this.#exists())) return;
    await this.#exclusively(async () => this.#delete(certificate));
  }

  async findsKey(certificate: Uint8Array): Promise<boolean> {
    const nickname = this.#nicknameOf(certificate);
    // No password: tokens are looked at as far as they show themselves without a login.
    const result = await this.#certutil(['-L', '-h', 'all', '-f', '/dev/null']);
    if (result.status !== 0) throw nssFailure(`${this.name} cannot be listed`, result);
    const line = result.stdout.split('\n').find((each) => each.startsWith(`${nickname} `));
    // u: "user certificate", of which NSS found the private key.
    return line !== undefined && /\su,u,u\s*$/.test(line);
  }

  async #delete(certificate: Uint8Array): Promise<void> {
    if (!(await this.#has(certificate))) return;
    const result = await this.#certutil(['-D', '-n', this.#nicknameOf(certificate)]);
    if (result.status !== 0) throw nssFailure(`${this.name} does not let go of the certificate`, result);
    if (await this.#has(certificate)) {
      throw nssFailure(`${this.name} says that the certificate is deleted and still has it`, result);
    }
  }

  async #has(certificate: Uint8Array): Promise<boolean> {
    const listed = await this.#certutil(['-L']);
    if (listed.status !== 0) throw nssFailure(`${this.name} cannot be listed`, listed);
    const nickname = this.#nicknameOf(certificate);
    return listed.stdout.split('\n').some((line) => line.startsWith(`${nickname} `));
  }

  async #ensureDatabase(): Promise<void> {
    if (await this.#exists()) return;
    const result = await this.#certutil(['-N', '--empty-password']);
    if (result.status !== 0) throw nssFailure(`${this.name} cannot be made`, result);
  }

  async #ensureModule(): Promise<void> {
    if (this.#module === undefined) return;
    const { name, path } = this.#module;
    const database = ['-dbdir', `sql:${this.#directory}`];
    const listed = await runNssTool('modutil', [...database, '-rawlist']);
    if (listed.status !== 0) throw nssFailure(`the modules of ${this.name} cannot be listed`, listed);
    const isListed = (line: string): boolean =>
      line.startsWith(`library="${path}" `) || line.startsWith(`library=${path} `);
    if (listed.stdout.split('\n').some(isListed)) return;
    // -force: no question, whether the browser is closed.
    const added = await runNssTool('modutil', [...database, '-add', name, '-libfile', path, '-force']);
    if (added.status !== 0) throw nssFailure(`${this.name} does not take the module ${path}`, added);
  }

  async #certutil(args: readonly string[], input?: Uint8Array): ReturnType<typeof runNssTool> {
    return runNssTool('certutil', ['-d', `sql:${this.#directory}`, ...args], input);
  }

  async #exists(): Promise<boolean> {
    return access(join(this.#directory, 'cert9.db'), constants.F_OK).then(
      () => true,
      () => false,
    );
  }

  /** Programs of NSS have locks of their own; this keeps two of ours from each other's checks. */
  async #exclusively(work: () => Promise<void>): Promise<void> {
    await withLock(join(this.#directory, 'countersign.lock'), work);
  }

  #nicknameOf(certificate: Uint8Array): string {
    return `${this.#nickname} ${Certificate.parse(certificate).serialNumber}`;
  }
}

/** NSS takes what stands before a colon for the name of a token, and a dash in front for an option. */
function assertName(what: string, name: string): void {
  if (/^[^\p{C}:\s-][^\p{C}:]{0,99}$/u.test(name)) return;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `the ${what} in the NSS database is ${JSON.stringify(name)}; expected 1 to 100 characters, no colon and no control characters among them, no dash or space first`,
    'Give it another name.',
  );
}
