import { randomBytes } from 'node:crypto';
import { DerReader } from '../asn1/der-reader.ts';
import { octetString } from '../asn1/der-writer.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import type { Extension } from '../x509/extension.ts';

/** The nonce that ties a response to its request (RFC 6960 4.4.1; lengths after RFC 9654 2.1). */

const maxNonceOctets = 128;

/** RFC 9654 2.1: clients make it 32 octets long. */
export function createOcspNonce(): Uint8Array {
  return Uint8Array.from(randomBytes(32));
}

/** @throws CountersignError `VALUE_OUT_OF_RANGE` */
export function nonceExtension(nonce: Uint8Array): Extension {
  if (nonce.length < 1 || nonce.length > maxNonceOctets) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      `the nonce has ${nonce.length} octets; expected 1 to ${maxNonceOctets}`,
      'Take 32 random octets.',
    );
  }
  return { oid: oids.ocspNonce, critical: false, value: octetString(nonce) };
}

/** @throws CountersignError `DER_MALFORMED`: RFC 9654 2.1 has such requests refused as malformed */
export function findNonce(extensions: readonly Extension[]): Uint8Array | undefined {
  const extension = extensions.find(({ oid }) => oid === oids.ocspNonce);
  if (extension === undefined) return undefined;
  const reader = DerReader.document(extension.value, 'OCSP nonce');
  const nonce = reader.octetString();
  reader.end();
  if (nonce.length < 1 || nonce.length > maxNonceOctets) {
    throw reader.malformed(`the nonce has ${nonce.length} octets; 1 to ${maxNonceOctets} are allowed`);
  }
  return nonce;
}
