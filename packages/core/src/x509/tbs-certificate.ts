import { context, element, integer, sequence, time } from '../asn1/der-writer.ts';
import { tag } from '../asn1/tag.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { signatureAlgorithmIdentifier } from '../keys/signature-algorithm.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { encodeExtensions, type Extension } from './extension.ts';
import type { Name } from './name.ts';

export interface TbsCertificateFields {
  /** Contents octets of a positive INTEGER, at most 20. */
  readonly serialNumber: Uint8Array;
  readonly scheme: SignatureScheme;
  readonly issuer: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: Name;
  readonly publicKey: PublicKey;
  readonly extensions: readonly Extension[];
}

/** TBSCertificate, version 3 (RFC 5280 4.1.2), DER. */
export function encodeTbsCertificate(fields: TbsCertificateFields): Uint8Array {
  return sequence(
    version3,
    element(tag.integer, fields.serialNumber),
    signatureAlgorithmIdentifier(fields.scheme),
    fields.issuer.der,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject.der,
    fields.publicKey.subjectPublicKeyInfo,
    context(3, encodeExtensions(fields.extensions)),
  );
}

const version3 = context(0, integer(2));
