import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { encodePem, type Certificate } from '@countersign/core';
import { onTestFinished } from 'vitest';
import type { ExportableKey } from './exportable-key.ts';
import { withLength } from './scripted-kdc.ts';
import { realm } from './test-pki.ts';

const run = promisify(execFile);

export interface MitKdcOptions {
  readonly certificate: Certificate;
  readonly key: ExportableKey;
  /** CAs of the users. */
  readonly anchors: readonly Certificate[];
  /** CertificateList, DER: with it the KDC insists on CRLs. */
  readonly crl?: Uint8Array;
  /** Lines of the realm's section in kdc.conf, in place of ours or beside them. */
  readonly settings?: readonly string[];
  /** How alice is added: with a certificate as the only way in, if absent. */
  readonly aliceFlags?: readonly string[];
  /** Queries of kadmin once the users are there. */
  readonly queries?: readonly string[];
}

/** A KDC of MIT Kerberos with the users alice and bob and the service HTTP/web, on loopback. */
export interface MitKdc {
  readonly address: { readonly host: string; readonly port: number };
  readonly folder: string;
  /** What other Kerberos programs need in their environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly log: () => Promise<string>;
}

/** Starts a KDC with a database of its own, all of which goes when the test ends. */
export async function startMitKdc(options: MitKdcOptions): Promise<MitKdc> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-kdc-'));
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  await writeCertificates(folder, options);
  await writeFile(join(folder, 'krb5.conf'), clientConfiguration(folder, port));
  await writeFile(join(folder, 'kdc.conf'), kdcConfiguration(folder, port, options));
  const environment = {
    // Where Debian has the KDC, which is not in the path of users.
    PATH: `${process.env['PATH'] ?? ''}:/usr/sbin`,
    KRB5_CONFIG: join(folder, 'krb5.conf'),
    KRB5_KDC_PROFILE: join(folder, 'kdc.conf'),
  };
  const env = { ...process.env, ...environment };
  await run('kdb5_util', ['create', '-s', '-P', 'database master password', '-r', realm], { env });
  const aliceFlags = (options.aliceFlags ?? ['-nokey', '+requires_preauth']).join(' ');
  for (const query of [
    `addprinc ${aliceFlags} alice`,
    'addprinc -nokey +requires_preauth bob',
    'addprinc -randkey HTTP/web',
    ...(options.queries ?? []),
  ]) {
    await run('kadmin.local', ['-r', realm, '-q', query], { env });
  }
  const kdc = spawn('krb5kdc', ['-n', '-r', realm, '-P', join(folder, 'kdc.pid')], { env, stdio: 'ignore' });
  onTestFinished(async () => {
    if (kdc.exitCode !== null) return;
    kdc.kill('SIGTERM');
    await once(kdc, 'exit');
  });
  const log = async (): Promise<string> => readFile(join(folder, 'kdc.log'), 'utf8');
  while (!(await accepts(port))) {
    if (kdc.exitCode !== null) throw new Error(`krb5kdc ended: ${await log()}`);
    await sleep(20);
  }
  return { address: { host: '127.0.0.1', port }, folder, environment, log };
}

/** Runs a Kerberos program on a credential cache. @returns its standard output */
export async function runWithCache(
  kdc: MitKdc,
  cache: string,
  program: string,
  ...args: readonly string[]
): Promise<string> {
  const env = { ...process.env, ...kdc.environment, KRB5CCNAME: `FILE:${cache}`, LC_ALL: 'C', TZ: 'UTC' };
  const { stdout } = await run(program, args, { env });
  return stdout;
}

async function writeCertificates(folder: string, options: MitKdcOptions): Promise<void> {
  const anchors = options.anchors.map(({ der }) => encodePem('CERTIFICATE', der)).join('');
  await writeFile(join(folder, 'ca.pem'), anchors);
  await writeFile(join(folder, 'kdc.pem'), encodePem('CERTIFICATE', options.certificate.der));
  await writeFile(join(folder, 'kdc.key'), options.key.privateKeyPem, { mode: 0o600 });
  if (options.crl !== undefined) await writeFile(join(folder, 'ca.crl'), encodePem('X509 CRL', options.crl));
}

function clientConfiguration(folder: string, port: number): string {
  return `[libdefaults]
  default_realm = ${realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
[realms]
  ${realm} = {
    kdc = 127.0.0.1:${port}
    pkinit_anchors = FILE:${folder}/ca.pem
  }
`;
}

function kdcConfiguration(folder: string, port: number, options: MitKdcOptions): string {
  // Of two lines for one setting, the first counts.
  const settings = [
    ...(options.settings ?? []),
    `database_name = ${folder}/principal`,
    `key_stash_file = ${folder}/stash`,
    `acl_file = ${folder}/kadm5.acl`,
    `kdc_listen = 127.0.0.1:${port}`,
    `kdc_tcp_listen = 127.0.0.1:${port}`,
    'max_renewable_life = 7d',
    `pkinit_identity = FILE:${folder}/kdc.pem,${folder}/kdc.key`,
    `pkinit_anchors = FILE:${folder}/ca.pem`,
    'pkinit_allow_upn = true',
    'pkinit_eku_checking = scLogin',
    ...(options.crl === undefined
      ? []
      : [`pkinit_revoke = FILE:${folder}/ca.crl`, 'pkinit_require_crl_checking = true']),
  ];
  return `[realms]
  ${realm} = {
    ${settings.join('\n    ')}
  }
[logging]
  kdc = FILE:${folder}/kdc.log
`;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}

/** Hands a message to the KDC as it is. @returns its reply */
export async function askKdc({ address }: MitKdc, message: Uint8Array): Promise<Uint8Array> {
  const socket = connect(address.port, address.host);
  try {
    socket.write(withLength(message));
    let received = Buffer.alloc(0);
    const chunks: AsyncIterable<unknown> = socket;
    for await (const chunk of chunks) {
      if (chunk instanceof Uint8Array) received = Buffer.concat([received, chunk]);
      if (received.length >= 4 && received.length >= 4 + received.readUInt32BE()) break;
    }
    return received.subarray(4);
  } finally {
    socket.destroy();
  }
}
