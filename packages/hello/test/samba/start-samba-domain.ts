import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { holdFixedPorts } from './fixed-ports.ts';
import { provision, type DomainFiles, type PkinitFiles } from './provision.ts';
import { startProcess } from './samba-process.ts';
import { addUser, type NewSambaUser, type SambaUser } from './samba-users.ts';
import { makeTlsCertificates } from './tls-certificates.ts';

export interface SambaDomain {
  /** Upper case, as Kerberos has it. */
  readonly realm: string;
  readonly netbiosName: string;
  readonly baseDn: string;
  /** Fully qualified name of the domain controller, which no DNS server knows: connect to 127.0.0.1. */
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
  /** For `KRB5_CONFIG` of clients and tools. */
  readonly krb5ConfigFile: string;
  addUser(user: NewSambaUser): Promise<SambaUser>;
  /** Ends the server and starts it again on the same data. */
  restart(): Promise<void>;
  /** Ends the server, removes its folder and lets the next one have the ports. */
  stop(): Promise<void>;
}

export interface SambaDomainOptions {
  /** `CONTOSO.TEST` by default. */
  readonly realm?: string;
  /** Certificates with which the KDC takes PKINIT; without them it does not. */
  readonly pkinit?: PkinitFiles;
}

/** How long a test may wait for a domain: those before it have the fixed ports until they are done. */
export const sambaDomainTimeoutMs = 300_000;

/**
 * A Samba Active Directory domain controller of its own, on loopback, in a temporary folder, with LDAPS and a KDC. It has
 * the schema of 2012 R2 and msDS-KeyCredentialLink of 2016. It needs root: its ports (88, 389, 464, 636, 3268, 3269) are
 * fixed, so test files that start one wait for each other, and should start one for all their tests.
 */
export async function startSambaDomain(options: SambaDomainOptions = {}): Promise<SambaDomain> {
  const letGo = await holdFixedPorts(sambaDomainTimeoutMs);
  const folder = await mkdtemp(join(tmpdir(), 'countersign-samba-'));
  const cleanUp = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    await letGo();
  };
  try {
    const tls = await makeTlsCertificates(folder);
    const files = await provision({ folder, realm: options.realm ?? 'CONTOSO.TEST', tls, ...options });
    let process = await startProcess(files);
    const description = { ...describe(files), caFile: tls.caFile };
    return {
      ...description,
      addUser: async (user) => addUser(description, user),
      async restart() {
        await process.stop();
        process = await startProcess(files);
      },
      async stop() {
        await process.stop();
        await cleanUp();
      },
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

function describe(files: DomainFiles): Omit<SambaDomain, 'caFile' | 'addUser' | 'restart' | 'stop'> {
  const { folder, realm, netbiosName, baseDn, hostName, adminPassword } = files;
  const { samDatabase, configFile, krb5ConfigFile } = files;
  const admin = { name: `Administrator@${realm.toLowerCase()}`, password: adminPassword };
  const ldapsUrl = 'ldaps://127.0.0.1:636';
  return {
    folder,
    realm,
    netbiosName,
    baseDn,
    hostName,
    ldapsUrl,
    admin,
    samDatabase,
    configFile,
    krb5ConfigFile,
  };
}
