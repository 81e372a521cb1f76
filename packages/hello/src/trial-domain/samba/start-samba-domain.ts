import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '@countersign/state';
import { writeClientConfiguration, type KerberosClient } from '../kerberos-client.ts';
import { writePkinitFiles, type PkinitOptions } from '../pkinit-files.ts';
import { assertInstalled } from '../requirements.ts';
import { runProgram } from '../run-program.ts';
import { startServer, type ServerProcess } from '../server-process.ts';
import { notAvailable } from '../trial-failure.ts';
import { holdFixedPorts } from './fixed-ports.ts';
import { kdcConfiguration } from './kdc-configuration.ts';
import { attributes2016 } from './key-credential-schema.ts';
import { provision, type DomainFiles } from './provision.ts';
import { addUser, type NewSambaUser, type SambaUser } from './samba-users.ts';
import { makeTlsCertificates } from './tls-certificates.ts';

export interface SambaDomain extends KerberosClient {
  /** Upper case, as Kerberos has it. */
  readonly realm: string;
  readonly kdc: { readonly host: string; readonly port: number };
  readonly netbiosName: string;
  readonly baseDn: string;
  /** Fully qualified name of the domain controller, which no DNS server knows: connect to localhost. */
  readonly hostName: string;
  readonly ldapsUrl: string;
  /** PEM: the CA that issued the certificate of `ldapsUrl`. */
  readonly caFile: string;
  readonly admin: { readonly name: string; readonly password: string };
  /** Holds everything, and goes with `stop`. */
  readonly folder: string;
  /** For `ldbsearch -H` and `ldbmodify -H`, which work beside the server. */
  readonly samDatabase: string;
  /** For tools that take `--configfile`. */
  readonly configFile: string;
  /** Such as `Samba 4.17.12-Debian`. */
  readonly version: string;
  addUser(user: NewSambaUser): Promise<SambaUser>;
  /** Ends the server and starts it again on the same data. @param pkinit in place of what the KDC had */
  restart(pkinit?: PkinitOptions): Promise<void>;
  /** Ends the server, removes its folder and lets the next one have the ports. */
  stop(): Promise<void>;
}

export interface SambaDomainOptions {
  /** `CONTOSO.TEST` by default. */
  readonly realm?: string;
  /** Without it the KDC takes passwords alone. RSA throughout: Samba's KDC knows no elliptic curves in certificates. */
  readonly pkinit?: PkinitOptions;
  /** How long to wait for another domain of this machine to end; `sambaDomainTimeoutMs` by default. */
  readonly timeoutMs?: number;
}

/** How long one may have to wait for a domain: those before it have the fixed ports until they are done. */
export const sambaDomainTimeoutMs = 300_000;

/**
 * A Samba Active Directory domain controller of its own, on loopback, in a temporary folder, with LDAPS and a KDC: for
 * trials and tests. It has the schema of 2012 R2 and msDS-KeyCredentialLink of 2016. It needs root: its ports (88, 389,
 * 464, 636, 3268, 3269) are fixed, so those who start one on a machine wait for each other.
 * @throws CountersignError `TRIAL_DOMAIN_NOT_AVAILABLE`, `STATE_LOCKED`
 */
export async function startSambaDomain(options: SambaDomainOptions = {}): Promise<SambaDomain> {
  const { realm = 'CONTOSO.TEST', pkinit, timeoutMs = sambaDomainTimeoutMs } = options;
  await assertInstalled({ server: 'a Samba domain controller', parts: sambaParts });
  assertRoot();
  const letGo = await holdFixedPorts(timeoutMs);
  const folder = await mkdtemp(join(tmpdir(), 'countersign-samba-'));
  const cleanUp = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    await letGo();
  };
  try {
    const tls = await makeTlsCertificates(folder);
    const files = await provision(folder, realm, tls);
    let server = await startDomainController(files, pkinit);
    const description = { ...(await describe(files)), caFile: tls.caFile };
    return {
      ...description,
      addUser: async (user) => addUser(description, user),
      async restart(newPkinit = pkinit) {
        await server.stop();
        server = await startDomainController(files, newPkinit);
      },
      async stop() {
        await server.stop();
        await cleanUp();
      },
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

const sambaParts = {
  setpriv: 'util-linux',
  openssl: 'openssl',
  samba: 'samba-ad-dc',
  'samba-tool': 'samba-common-bin',
  ldbmodify: 'ldb-tools',
  [attributes2016]: 'samba-ad-provision',
  '/usr/lib/*/samba/ldb/samba_dsdb.so': 'samba-dsdb-modules',
  '/usr/lib/*/samba/vfs/acl_xattr.so': 'samba-vfs-modules',
};

function assertRoot(): void {
  if (process.getuid?.() === 0) return;
  throw notAvailable(
    'a Samba domain controller needs root, for ports below 1024',
    'Run this as root, in a container or on a virtual machine of your own.',
  );
}

/** As one process without children. */
async function startDomainController(
  files: DomainFiles,
  pkinit: PkinitOptions | undefined,
): Promise<ServerProcess> {
  const { folder, realm, configFile, logFile } = files;
  const pkinitFiles = pkinit === undefined ? undefined : await writePkinitFiles(folder, pkinit);
  const kdcConfigFile = join(folder, 'kdc-krb5.conf');
  await writeFileAtomic(kdcConfigFile, kdcConfiguration(realm, pkinitFiles));
  await writeClientConfiguration(clientConfigFile(files), {
    ...files,
    kdcPort: kdcAddress.port,
    ...pkinitFiles,
  });
  return startServer({
    program: 'samba',
    args: ['--interactive', `--configfile=${configFile}`, '--no-process-group', '--model=single'],
    env: { KRB5_CONFIG: kdcConfigFile },
    ports: [kdcAddress.port, 389, 636],
    logFile,
  });
}

const kdcAddress = { host: '127.0.0.1', port: 88 };

function clientConfigFile({ folder }: DomainFiles): string {
  return join(folder, 'krb5.conf');
}

async function describe(
  files: DomainFiles,
): Promise<Omit<SambaDomain, 'caFile' | 'addUser' | 'restart' | 'stop'>> {
  const { folder, realm, netbiosName, baseDn, hostName, adminPassword } = files;
  const { samDatabase, configFile } = files;
  const { stdout } = await runProgram('samba', ['--version']);
  return {
    folder,
    realm,
    kdc: kdcAddress,
    netbiosName,
    baseDn,
    hostName,
    ldapsUrl: 'ldaps://127.0.0.1:636',
    admin: { name: `Administrator@${realm.toLowerCase()}`, password: adminPassword },
    samDatabase,
    configFile,
    krb5ConfigFile: clientConfigFile(files),
    version: stdout.trim().replace(/^Version/u, 'Samba'),
  };
}
