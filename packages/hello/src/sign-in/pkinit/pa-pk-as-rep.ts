import { CountersignError, type SignedMessage } from '@countersign/core';
import { DerReader, contextPrimitive } from '@countersign/core/asn1';
import { readField, readOptionalField, readUint32 } from '../kerberos/kerberos-types.ts';
import { readKdcSignedData } from './kdc-signed-data.ts';
import { pkinitOids } from './pkinit-oids.ts';

/** DHRepInfo (RFC 4556 3.2.3, RFC 8636 4), parsed strictly and not yet verified. */
export interface DhReply {
  readonly signedData: SignedMessage;
  /** OID of the key derivation that the KDC chose; undefined for that of RFC 4556 itself. */
  readonly keyDerivation: string | undefined;
  readonly hasServerDhNonce: boolean;
}

/** KDCDHKeyInfo (RFC 4556 3.2.3). */
export interface KdcDhKeyInfo {
  /** Big-endian. */
  readonly publicValue: Uint8Array;
  readonly nonce: number;
  readonly expiration: Date | undefined;
}

/**
 * @throws CountersignError `DER_MALFORMED`; `KDC_REPLY_MISMATCH` for a key that was encrypted instead of agreed upon;
 *   what certificates are refused for
 */
export function parsePaPkAsRep(der: Uint8Array): DhReply {
  const document = DerReader.document(der, 'PA-PK-AS-REP');
  if (document.at(contextPrimitive(1))) {
    throw new CountersignError(
      'KDC_REPLY_MISMATCH',
      'the KDC encrypted the key to the RSA key of the certificate; Diffie-Hellman was asked for',
      'Have the KDC use Diffie-Hellman, which keeps sessions secret even if a key is lost later.',
    );
  }
  const explicit = document.context(0);
  document.end();
  const info = explicit.sequence();
  explicit.end();
  const signedData = info.contextContents(0);
  const serverDhNonce = readOptionalField(info, 1, (field) => field.octetString());
  const keyDerivation = readOptionalField(info, 2, readKdfAlgorithmId);
  info.end();
  return {
    signedData: readKdcSignedData(signedData),
    keyDerivation,
    hasServerDhNonce: serverDhNonce !== undefined,
  };
}

/** @throws CountersignError `DER_MALFORMED` */
export function parseKdcDhKeyInfo({ eContentType, content }: SignedMessage): KdcDhKeyInfo {
  const info = DerReader.sequence(content, 'KDCDHKeyInfo');
  if (eContentType !== pkinitOids.dhKeyData) {
    throw info.malformed(`the content type is ${eContentType}; expected ${pkinitOids.dhKeyData}`);
  }
  const publicValue = readField(info, 0, (field) => readPublicValue(field.octetAlignedBitString()));
  const nonce = readField(info, 1, readUint32);
  const expiration = readOptionalField(info, 2, (field) => field.generalizedTime());
  info.end();
  return { publicValue, nonce, expiration };
}

/** RFC 3279 2.3.3: the bits of a Diffie-Hellman key are an INTEGER. */
function readPublicValue(octets: Uint8Array): Uint8Array {
  const document = DerReader.document(octets, 'Diffie-Hellman value');
  const value = document.unsignedInteger();
  document.end();
  return value;
}

function readKdfAlgorithmId(field: DerReader): string {
  const algorithm = field.sequence();
  const id = readField(algorithm, 0, (inner) => inner.oid());
  algorithm.end();
  return id;
}
