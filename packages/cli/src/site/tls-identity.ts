import { KeyObject, webcrypto } from 'node:crypto';
import { join } from 'node:path';
import { encodePem } from '@countersign/core';
import { readFileBytes, writeFileAtomic } from '@countersign/state';

/** PEM. */
export interface TlsIdentity {
  readonly key: Uint8Array;
  readonly cert: Uint8Array;
}

const certificateFile = 'tls.pem';
const keyFile = 'tls.key';
const lifetimeMs = 825 * 86_400_000;

/**
 * Makes the certificate that a site's services show: for this machine alone, signed by its own key, and trusted by who has
 * it in a file.
 */
export async function createTlsIdentity(dir: string, now: Date): Promise<void> {
  // Loaded here because they take longer to load than most commands to run.
  await import('reflect-metadata');
  const {
    BasicConstraintsExtension,
    ExtendedKeyUsageExtension,
    SubjectAlternativeNameExtension,
    X509CertificateGenerator,
  } = await import('@peculiar/x509');
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=Countersign site on this machine',
      keys,
      signingAlgorithm,
      notBefore: new Date(now.getTime() - 60_000),
      notAfter: new Date(now.getTime() + lifetimeMs),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']),
        new SubjectAlternativeNameExtension([
          { type: 'ip', value: '127.0.0.1' },
          { type: 'dns', value: 'localhost' },
        ]),
      ],
    },
    webcrypto,
  );
  const privateKey = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' });
  await writeFileAtomic(join(dir, keyFile), privateKey, { mode: 0o600 });
  await writeFileAtomic(
    join(dir, certificateFile),
    encodePem('CERTIFICATE', new Uint8Array(certificate.rawData)),
    {
      mode: 0o644,
    },
  );
}

export async function readTlsIdentity(dir: string): Promise<TlsIdentity> {
  return {
    key: await readFileBytes(join(dir, keyFile)),
    cert: await readFileBytes(join(dir, certificateFile)),
  };
}
