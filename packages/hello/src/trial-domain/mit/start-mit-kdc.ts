import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '@countersign/state';
import { writeClientConfiguration, type KerberosClient } from '../kerberos-client.ts';
import { freePort } from '../listening.ts';
import { writePkinitFiles, type PkinitOptions } from '../pkinit-files.ts';
import { assertInstalled } from '../requirements.ts';
import { runProgram } from '../run-program.ts';
import { startServer, type ServerProcess } from '../server-process.ts';
import { mitKdcConfiguration } from './kdc-configuration.ts';

/** A KDC of MIT Kerberos with a database of its own, on loopback. */
export interface MitKdc extends KerberosClient {
  readonly kdc: { readonly host: string; readonly port: number };
  /** Holds everything, and goes with `stop`. */
  readonly folder: string;
  /** What the KDC says of its requests. */
  readonly log: () => Promise<string>;
  /** Ends the server and starts it again on the same database. @param pkinit in place of what the KDC had */
  restart(pkinit: PkinitOptions): Promise<void>;
  stop(): Promise<void>;
}

export interface MitKdcOptions {
  /** `CONTOSO.TEST` by default. */
  readonly realm?: string;
  /** RSA or elliptic curves. */
  readonly pkinit: PkinitOptions;
  /** Names of users for whom a certificate is the only way in. */
  readonly users?: readonly string[];
  /** Names of services, such as `ldap/dc.contoso.test`. */
  readonly services?: readonly string[];
  /** Lines of the realm's section in kdc.conf, in place of ours or beside them. */
  readonly settings?: readonly string[];
  /** Queries of kadmin once users and services are there, each as its words. */
  readonly queries?: readonly (readonly string[])[];
}

/**
 * Starts a KDC of MIT Kerberos in a temporary folder, on a free port: for trials and tests.
 * @throws CountersignError `TRIAL_DOMAIN_NOT_AVAILABLE`
 */
export async function startMitKdc(options: MitKdcOptions): Promise<MitKdc> {
  await assertInstalled({ server: 'a KDC of MIT Kerberos', parts: mitParts });
  const folder = await mkdtemp(join(tmpdir(), 'countersign-kdc-'));
  try {
    return await startIn(folder, options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

const mitParts = {
  setpriv: 'util-linux',
  krb5kdc: 'krb5-kdc',
  kdb5_util: 'krb5-kdc',
  'kadmin.local': 'krb5-admin-server',
  '/usr/lib/*/krb5/plugins/preauth/pkinit.so': 'krb5-pkinit',
};

async function startIn(folder: string, options: MitKdcOptions): Promise<MitKdc> {
  const { realm = 'CONTOSO.TEST', settings = [] } = options;
  const port = await freePort();
  const krb5ConfigFile = join(folder, 'krb5.conf');
  const kdcConfigFile = join(folder, 'kdc.conf');
  const logFile = join(folder, 'kdc.log');
  const env = { KRB5_CONFIG: krb5ConfigFile, KRB5_KDC_PROFILE: kdcConfigFile };
  const configure = async (pkinitOptions: PkinitOptions): Promise<void> => {
    const pkinit = await writePkinitFiles(folder, pkinitOptions);
    const { anchorsFile } = pkinit;
    const hostName = `dc.${realm.toLowerCase()}`;
    await writeClientConfiguration(krb5ConfigFile, { realm, hostName, kdcPort: port, anchorsFile });
    await writeFileAtomic(kdcConfigFile, mitKdcConfiguration({ realm, folder, port, pkinit, settings }));
  };
  const start = async (): Promise<ServerProcess> =>
    startServer({
      program: 'krb5kdc',
      args: ['-n', '-r', realm, '-P', join(folder, 'kdc.pid')],
      env,
      ports: [port],
      logFile,
    });
  await configure(options.pkinit);
  await makeDatabase(realm, options, env);
  let server = await start();
  return {
    realm,
    kdc: { host: '127.0.0.1', port },
    folder,
    krb5ConfigFile,
    log: async () => readFile(logFile, 'utf8'),
    async restart(pkinit) {
      await server.stop();
      await configure(pkinit);
      server = await start();
    },
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function makeDatabase(
  realm: string,
  { users = [], services = [], queries = [] }: MitKdcOptions,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  // The stash file (-s) keeps the password for the KDC; read twice from standard input, it stands in no process list.
  const password = randomBytes(24).toString('base64url');
  const create = ['-r', realm, 'create', '-s', '-W'];
  await runProgram('kdb5_util', create, { env, input: `${password}\n${password}\n` });
  const all = [
    ...users.map((user) => ['addprinc', '-nokey', '+requires_preauth', user]),
    ...services.map((service) => ['addprinc', '-randkey', service]),
    ...queries,
  ];
  for (const query of all) await runProgram('kadmin.local', ['-r', realm, ...query], { env });
}
