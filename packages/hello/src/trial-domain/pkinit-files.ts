import { join } from 'node:path';
import { encodePem, type Certificate } from '@countersign/core';
import { writeFileAtomic } from '@countersign/state';
import type { ExportableKey } from './exportable-key.ts';

/** What a KDC proves itself with: id-pkinit-KPKdc and the name of krbtgt (RFC 4556 3.2.4). */
export interface KdcIdentity {
  readonly certificate: Certificate;
  readonly key: ExportableKey;
}

/** What a KDC needs in order to let users in with certificates. */
export interface PkinitOptions {
  readonly identity: KdcIdentity;
  /** The CAs whose certificates users may sign in with. */
  readonly anchors: readonly Certificate[];
  /**
   * CertificateList, DER: with it MIT's KDC insists on CRLs. Samba's reads CRLs, and does not look users' certificates up
   * in them (tried with 4.17), so there a user who is to stay out needs the account disabled.
   */
  readonly crl?: Uint8Array;
}

/** Paths of PEM files. */
export interface PkinitFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly anchorsFile: string;
  readonly crlFile?: string;
}

/** Writes what a KDC reads, over what lies there. */
export async function writePkinitFiles(folder: string, options: PkinitOptions): Promise<PkinitFiles> {
  const { identity, anchors, crl } = options;
  const inFolder = (name: string): string => join(folder, name);
  const files = {
    certificateFile: inFolder('kdc.pem'),
    keyFile: inFolder('kdc.key'),
    anchorsFile: inFolder('anchors.pem'),
  };
  await writeFileAtomic(files.certificateFile, encodePem('CERTIFICATE', identity.certificate.der));
  await writeFileAtomic(files.keyFile, identity.key.privateKeyPem, { mode: 0o600 });
  await writeFileAtomic(files.anchorsFile, anchors.map(({ der }) => encodePem('CERTIFICATE', der)).join(''));
  if (crl === undefined) return files;
  const crlFile = inFolder('crl.pem');
  await writeFileAtomic(crlFile, encodePem('X509 CRL', crl));
  return { ...files, crlFile };
}
