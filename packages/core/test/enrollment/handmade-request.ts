import type { Key } from '@countersign/core';
import { der, integer, oid, sequence } from './der.ts';

/** What to write instead of the right thing in a certification request. Whatever is absent is right. */
export interface HandmadeRequest {
  readonly version?: Uint8Array;
  readonly subjectPublicKeyInfo?: Uint8Array;
  /** `[0]` and the attributes in it. */
  readonly attributes?: Uint8Array;
  readonly signatureAlgorithm?: Uint8Array;
  /** Makes the signature over the CertificationRequestInfo; by default the key does, ECDSA with SHA-256. */
  readonly sign?: (info: Uint8Array) => Promise<Uint8Array> | Uint8Array;
}

/** A certification request put together by hand, by the letter of RFC 2986 4, and signed with whatever is in it. */
export async function handmadeRequest(key: Key, parts: HandmadeRequest = {}): Promise<Uint8Array> {
  const info = sequence(
    parts.version ?? integer(0),
    sequence(),
    parts.subjectPublicKeyInfo ?? key.publicKey,
    parts.attributes ?? der(0xa0),
  );
  const signature = await (parts.sign?.(info) ?? key.sign('ecdsa-sha256', info));
  return sequence(
    info,
    parts.signatureAlgorithm ?? sequence(oid('1.2.840.10045.4.3.2')),
    der(0x03, Uint8Array.of(0), signature),
  );
}
