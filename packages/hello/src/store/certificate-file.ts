import { basename, dirname } from 'node:path';
import { Certificate, CountersignError, decodePemOrDer, encodePem } from '@countersign/core';
import {
  ensurePrivateDirectory,
  readFileIfExists,
  removeFileDurably,
  removeLeftovers,
  writeFileAtomic,
} from '@countersign/state';
import type { CertificatePlace } from './certificate-place.ts';

export interface CertificateFileOptions {
  /** Permission bits; 0o600 if absent. A certificate is no secret: 0o644 lets programs of others read it. */
  readonly mode?: number;
}

/**
 * A PEM file for programs that take one. It is replaced as a whole. A file that holds anything else than a certificate for
 * the same key is left as it is and refused.
 * @param path its folder is made if missing
 */
export function certificateFile(path: string, options: CertificateFileOptions = {}): CertificatePlace {
  return {
    name: `the file ${path}`,
    put: async (certificate, replaces) => {
      const parsed = Certificate.parse(certificate);
      await ensurePrivateDirectory(dirname(path));
      await removeLeftovers(dirname(path));
      const found = await read(path);
      if (found !== undefined) assertReplaceable(path, found, parsed, replaces);
      await writeFileAtomic(path, encodePem('CERTIFICATE', certificate), options);
    },
    remove: async (certificate) => {
      const found = await read(path);
      if (found !== undefined && Buffer.compare(found, certificate) === 0) await removeFileDurably(path);
    },
  };
}

/** @returns DER of one certificate; whatever else is there as it is */
async function read(path: string): Promise<Uint8Array | undefined> {
  const bytes = await readFileIfExists(path, { maxBytes: 128 * 1024 });
  if (bytes === undefined) return undefined;
  try {
    return decodePemOrDer(bytes, ['CERTIFICATE']);
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'PEM_MALFORMED') return bytes;
    throw error;
  }
}

function assertReplaceable(
  path: string,
  found: Uint8Array,
  certificate: Certificate,
  replaces: Uint8Array | undefined,
): void {
  if (replaces !== undefined && Buffer.compare(found, replaces) === 0) return;
  if (keyIdIn(found) === certificate.publicKey.keyId) return;
  throw new CountersignError(
    'STATE_EXISTS',
    `${path} is there already, and is no certificate for the key ${certificate.publicKey.keyId}`,
    `Nothing was changed. Move ${basename(path)} away, or name another file.`,
  );
}

function keyIdIn(file: Uint8Array): string | undefined {
  try {
    return Certificate.parse(file).publicKey.keyId;
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}
