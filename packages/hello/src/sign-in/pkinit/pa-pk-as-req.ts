import { createHash } from 'node:crypto';
import { createSignedData, type Certificate, type Key, type SignatureScheme } from '@countersign/core';
import {
  context,
  contextContents,
  generalizedTime,
  integer,
  octetString,
  oid,
  sequence,
} from '@countersign/core/asn1';
import type { KeyAgreement } from './diffie-hellman.ts';
import { pkinitOids } from './pkinit-oids.ts';
import { keyDerivations } from './reply-key.ts';

/** Who signs a request. */
export interface RequestSigner {
  readonly key: Key;
  readonly scheme: SignatureScheme;
  readonly certificate: Certificate;
  /** Certificates of CAs above it, without the anchor (RFC 4556 3.2.1). */
  readonly issuers: readonly Certificate[];
}

export interface AuthPackFields {
  /** KDC-REQ-BODY, DER. */
  readonly requestBody: Uint8Array;
  readonly at: Date;
  readonly nonce: number;
  readonly keyAgreement: KeyAgreement;
  /** What the KDC gave against requests that were signed beforehand (RFC 8070), or undefined. */
  readonly freshnessToken: Uint8Array | undefined;
}

/** The signed request for a key (RFC 4556 3.2.1). @returns PA-PK-AS-REQ, DER */
export async function createPaPkAsReq(signer: RequestSigner, fields: AuthPackFields): Promise<Uint8Array> {
  const signedAuthPack = await createSignedData(signer.key, signer.scheme, {
    eContentType: pkinitOids.authData,
    content: encodeAuthPack(fields),
    certificate: signer.certificate,
    issuers: signer.issuers,
    signedAttributes: [],
  });
  return sequence(contextContents(0, signedAuthPack));
}

function encodeAuthPack(fields: AuthPackFields): Uint8Array {
  return sequence(
    context(0, encodePkAuthenticator(fields)),
    context(1, fields.keyAgreement.subjectPublicKeyInfo),
    context(2, sequence(...cmsAlgorithms.map((algorithm) => sequence(oid(algorithm))))),
    // RFC 8636 4: supportedKDFs, best first.
    context(4, sequence(...keyDerivations.map((algorithm) => sequence(context(0, oid(algorithm)))))),
  );
}

/**
 * supportedCMSTypes (RFC 4556 3.2.1): SHA-2 hashes, and RSA and ECDSA signatures with them, best first. A KDC that is not
 * told may sign with SHA-1, as Heimdal does, which is refused here.
 */
const cmsAlgorithms = [
  '2.16.840.1.101.3.4.2.1',
  '2.16.840.1.101.3.4.2.2',
  '2.16.840.1.101.3.4.2.3',
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
] as const;

function encodePkAuthenticator({ requestBody, at, nonce, freshnessToken }: AuthPackFields): Uint8Array {
  return sequence(
    context(0, integer(at.getMilliseconds() * 1000)),
    context(1, generalizedTime(at)),
    context(2, integer(nonce)),
    // RFC 4556 3.2.1 fixes SHA-1 for what keeps request and signature together.
    context(3, octetString(createHash('sha1').update(requestBody).digest())),
    ...(freshnessToken === undefined
      ? []
      : [context(4, octetString(freshnessToken)), context(5, encodePaChecksum2(requestBody))]),
  );
}

/**
 * PAChecksum2 (MS-PKCA): the same with SHA-256. It goes only to KDCs that give freshness tokens, for those know extensions of
 * the PKAuthenticator: Heimdal 7 misses the Diffie-Hellman value behind one, and encrypts the key to RSA instead.
 */
function encodePaChecksum2(requestBody: Uint8Array): Uint8Array {
  return sequence(
    context(0, octetString(createHash('sha256').update(requestBody).digest())),
    context(1, sequence(oid(pkinitOids.sha256))),
  );
}
