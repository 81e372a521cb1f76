import { createPrivateKey, KeyObject, webcrypto } from 'node:crypto';
import { join } from 'node:path';
import { encodePem } from '@countersign/core';
import { ensurePrivateDirectory, readFileBytes, writeFileAtomic } from '@countersign/state';
import { withNewServicePin, withServicePin } from '../authorities/service-pin.ts';

/** PEM. */
export interface TlsIdentity {
  readonly key: Uint8Array;
  readonly cert: Uint8Array;
}

/** What clients are to trust. */
export const tlsCertificateFile = 'tls.pem';
const folderName = 'tls-key';
/** PKCS#8, encrypted. */
const keyFile = 'tls.p8';
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
  const folder = join(dir, folderName);
  await ensurePrivateDirectory(folder);
  await withNewServicePin(folder, { random: true }, async (pin) => {
    const sealed = KeyObject.from(keys.privateKey).export({
      type: 'pkcs8',
      format: 'der',
      cipher: 'aes-256-cbc',
      passphrase: Buffer.from(pin),
    });
    await writeFileAtomic(join(folder, keyFile), sealed, { mode: 0o600 });
  });
  const pem = encodePem('CERTIFICATE', new Uint8Array(certificate.rawData));
  await writeFileAtomic(join(dir, tlsCertificateFile), pem, { mode: 0o644 });
}

/** @throws CountersignError `FILE_UNREADABLE` */
export async function readTlsIdentity(dir: string): Promise<TlsIdentity> {
  const folder = join(dir, folderName);
  const sealed = Buffer.from(await readFileBytes(join(folder, keyFile)));
  const key = await withServicePin(folder, 'the services', {}, async (pin) =>
    createPrivateKey({ key: sealed, type: 'pkcs8', format: 'der', passphrase: Buffer.from(pin) }),
  );
  return {
    key: Buffer.from(key.export({ type: 'pkcs8', format: 'pem' })),
    cert: await readFileBytes(join(dir, tlsCertificateFile)),
  };
}
