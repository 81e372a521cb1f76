import { writeFileAtomic } from '@countersign/state';
import { runProgram, type ProgramOutput } from './run-program.ts';

/** What MIT Kerberos' own programs need in order to use a realm. */
export interface KerberosClient {
  readonly realm: string;
  /** For `KRB5_CONFIG`. */
  readonly krb5ConfigFile: string;
}

/**
 * Runs a Kerberos program (`klist`, `kvno`, `kinit`) or one that uses GSSAPI on a credential cache.
 * @param cache path of a file
 * @throws CountersignError `TRIAL_DOMAIN_NOT_AVAILABLE` if it is not installed or does not succeed
 */
export async function runKerberosProgram(
  { krb5ConfigFile }: KerberosClient,
  cache: string,
  program: string,
  ...args: readonly string[]
): Promise<ProgramOutput> {
  const env = { KRB5_CONFIG: krb5ConfigFile, KRB5CCNAME: `FILE:${cache}`, LC_ALL: 'C', TZ: 'UTC' };
  return runProgram(program, args, { env });
}

export interface ClientConfiguration {
  readonly realm: string;
  readonly hostName: string;
  readonly kdcPort: number;
  /** PEM file: the CAs that a KDC's certificate may come from, for MIT's own `kinit`. */
  readonly anchorsFile?: string;
}

/** krb5.conf: the realm and its KDC are named, and nobody asks DNS for them. */
export async function writeClientConfiguration(
  file: string,
  { realm, hostName, kdcPort, anchorsFile }: ClientConfiguration,
): Promise<void> {
  const anchors = anchorsFile === undefined ? [] : [`    pkinit_anchors = FILE:${anchorsFile}`];
  const lines = [
    '[libdefaults]',
    `  default_realm = ${realm}`,
    '  dns_lookup_realm = false',
    '  dns_lookup_kdc = false',
    '  dns_canonicalize_hostname = false',
    '  rdns = false',
    '[realms]',
    `  ${realm} = {`,
    `    kdc = 127.0.0.1:${kdcPort}`,
    ...anchors,
    '  }',
    '[domain_realm]',
    `  ${hostName} = ${realm}`,
    `  localhost = ${realm}`,
    '',
  ];
  await writeFileAtomic(file, lines.join('\n'));
}
