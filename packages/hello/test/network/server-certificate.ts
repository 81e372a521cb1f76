import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface ServerCertificate {
  readonly tls: { readonly key: string; readonly cert: string };
  /** The authority that it comes from, PEM. */
  readonly ca: string;
}

const run = promisify(execFile);

const newCertificate = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj'.split(
  ' ',
);

/** A certificate for 127.0.0.1 from an authority of its own, made by OpenSSL in a temporary folder that is gone at once. */
export async function makeServerCertificate(): Promise<ServerCertificate> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-tls-'));
  const path = (name: string): string => join(folder, name);
  try {
    const make = async (name: string, subject: string, more: readonly string[]): Promise<unknown> =>
      run('openssl', [
        ...newCertificate,
        subject,
        '-keyout',
        path(`${name}.key`),
        '-out',
        path(`${name}.pem`),
        ...more,
      ]);
    await make('ca', '/CN=Test TLS CA', ['-addext', 'keyUsage=critical,keyCertSign']);
    await make('server', '/CN=localhost', [
      '-CA',
      path('ca.pem'),
      '-CAkey',
      path('ca.key'),
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-addext',
      'basicConstraints=critical,CA:FALSE',
      '-addext',
      'extendedKeyUsage=serverAuth',
    ]);
    const [key, cert, ca] = await Promise.all(
      ['server.key', 'server.pem', 'ca.pem'].map(async (name) => readFile(path(name), 'utf8')),
    );
    return { tls: { key: key ?? '', cert: cert ?? '' }, ca: ca ?? '' };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
