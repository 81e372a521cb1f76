import { createRootCertificate, Name, type Key } from '@countersign/core';

/** A certificate for a key, made by that key: DER. */
export async function makeCertificate(key: Key, commonName: string): Promise<Uint8Array> {
  const certificate = await createRootCertificate(key, Name.fromString(`CN=${commonName}`), new Date());
  return certificate.der;
}
