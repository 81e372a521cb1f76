import type { Key } from '@countersign/core';
import { der, integer, oid, sequence } from './der.ts';
import { softwareKey } from './software-key.ts';

/** What to write instead of the right thing. Whatever is absent is right, and signed by a P-256 key. */
export interface RequestParts {
  readonly key?: Pick<Key, 'publicKey' | 'sign'>;
  readonly version?: Uint8Array;
  readonly subject?: Uint8Array;
  readonly publicKey?: Uint8Array;
  readonly attributes?: Uint8Array;
  /** What stands after the attributes. */
  readonly trailer?: Uint8Array;
  /** What stands in place of CertificationRequestInfo, and is signed. */
  readonly info?: (info: Uint8Array) => Uint8Array;
  readonly algorithm?: Uint8Array;
  /** What stands in place of the right signature. */
  readonly signature?: (signature: Uint8Array, info: Uint8Array) => Uint8Array;
  /** What stands after the signature. */
  readonly afterSignature?: Uint8Array;
}

export const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));

/** A request put together by hand, signed by the key inside it. */
export async function requestWith(parts: RequestParts): Promise<Uint8Array> {
  const key = parts.key ?? (await softwareKey('p256'));
  const rightInfo = sequence(
    parts.version ?? integer(0),
    parts.subject ?? sequence(),
    parts.publicKey ?? key.publicKey,
    parts.attributes ?? der(0xa0),
    ...(parts.trailer === undefined ? [] : [parts.trailer]),
  );
  const info = parts.info?.(rightInfo) ?? rightInfo;
  const right = await key.sign('ecdsa-sha256', info);
  const signature = parts.signature?.(right, info) ?? right;
  return sequence(
    info,
    parts.algorithm ?? ecdsaWithSha256,
    der(0x03, Uint8Array.of(0), signature),
    ...(parts.afterSignature === undefined ? [] : [parts.afterSignature]),
  );
}
