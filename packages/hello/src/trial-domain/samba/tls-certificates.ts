import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../run-program.ts';

export interface TlsFiles {
  /** PEM. */
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** A CA, and a certificate of it for 127.0.0.1 and localhost, both for a day. */
export async function makeTlsCertificates(folder: string): Promise<TlsFiles> {
  const file = (name: string): string => join(folder, name);
  const [caFile, caKey] = [file('tls-ca.pem'), file('tls-ca.key')];
  const [certificateFile, keyFile] = [file('tls.pem'), file('tls.key')];
  const newKey = ['-newkey', 'rsa:2048', '-noenc', '-days', '1'];
  await writeFile(
    file('tls.ext'),
    [
      'subjectAltName = IP:127.0.0.1, DNS:localhost',
      'extendedKeyUsage = serverAuth',
      'basicConstraints = critical, CA:FALSE',
    ].join('\n'),
  );
  await runProgram('openssl', [
    'req',
    '-x509',
    ...newKey,
    '-subj',
    '/CN=Trial CA',
    '-keyout',
    caKey,
    '-out',
    caFile,
  ]);
  const request = ['req', '-newkey', 'rsa:2048', '-noenc', '-subj', '/CN=localhost'];
  await runProgram('openssl', [...request, '-keyout', keyFile, '-out', file('tls.csr')]);
  await runProgram('openssl', [
    'x509',
    '-req',
    '-days',
    '1',
    '-in',
    file('tls.csr'),
    '-extfile',
    file('tls.ext'),
    '-CA',
    caFile,
    '-CAkey',
    caKey,
    '-CAcreateserial',
    '-out',
    certificateFile,
  ]);
  return { caFile, certificateFile, keyFile };
}
