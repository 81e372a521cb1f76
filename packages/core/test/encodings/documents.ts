import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { bits, hex, int, oid, seq, set, text, tlv } from './der.ts';

/** Sound documents, part by part, so that a test can put one wrong part into an otherwise sound one. */

/** The P-256 key of RFC 6979 A.2.5: a key for examples and for nothing else. */
export const exampleKey = createPrivateKey({
  key: Buffer.from(
    seq(
      int(1),
      tlv(0x04, hex('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721')),
      tlv(0xa0, oid('1.2.840.10045.3.1.7')),
    ),
  ),
  format: 'der',
  type: 'sec1',
});

export const examplePublicKey = Uint8Array.from(
  createPublicKey(exampleKey).export({ format: 'der', type: 'spki' }),
);

export const ecdsaWithSha256 = seq(oid('1.2.840.10045.4.3.2'));

/** A Name with one common name, UTF8String. */
export function commonName(value: string): Uint8Array {
  return seq(set(seq(oid('2.5.4.3'), text(0x0c, value))));
}

export function utcTime(value: string): Uint8Array {
  return text(0x17, value);
}

export function generalizedTime(value: string): Uint8Array {
  return text(0x18, value);
}

/** An Extension; `critical` is the BOOLEAN's contents where one stands. */
export function extension(id: string, value: Uint8Array, critical?: number): Uint8Array {
  const flag = critical === undefined ? [] : [tlv(0x01, Uint8Array.of(critical))];
  return seq(oid(id), ...flag, tlv(0x04, value));
}

export const exampleExtensions: readonly Uint8Array[] = [
  extension('2.5.29.15', hex('03020780'), 0xff),
  extension('2.5.29.19', hex('3000'), 0xff),
  extension('2.5.29.37', seq(oid('1.3.6.1.5.5.7.3.2'))),
];

/** The elements of a TBSCertificate, each whole, and what stands around them. */
const certificateParts = {
  version: tlv(0xa0, int(2)),
  serialNumber: int(0x01, 0x02, 0x03),
  innerAlgorithm: ecdsaWithSha256,
  issuer: commonName('Issuer'),
  notBefore: utcTime('260101000000Z'),
  notAfter: utcTime('270101000000Z'),
  afterNotAfter: new Uint8Array(),
  subject: commonName('Subject'),
  publicKey: examplePublicKey,
  extensions: tlv(0xa3, seq(...exampleExtensions)),
  outerAlgorithm: ecdsaWithSha256,
  afterSignature: new Uint8Array(),
} as const satisfies Record<string, Uint8Array>;

export type CertificatePart = keyof typeof certificateParts;

/** A certificate signed with the example key, sound but for the parts given. */
export function certificate(wrong: Partial<Record<CertificatePart, Uint8Array>> = {}): Uint8Array {
  const parts = { ...certificateParts, ...wrong };
  const tbsCertificate = seq(
    parts.version,
    parts.serialNumber,
    parts.innerAlgorithm,
    parts.issuer,
    seq(parts.notBefore, parts.notAfter, parts.afterNotAfter),
    parts.subject,
    parts.publicKey,
    parts.extensions,
  );
  return seq(tbsCertificate, parts.outerAlgorithm, bits(signature(tbsCertificate)), parts.afterSignature);
}

/** A certificate with one extension besides the usual ones, or with these alone. */
export function certificateWith(...extensions: readonly Uint8Array[]): Uint8Array {
  return certificate({ extensions: tlv(0xa3, seq(...extensions)) });
}

const requestParts = {
  version: int(0),
  subject: commonName('Subject'),
  publicKey: examplePublicKey,
  attributes: tlv(0xa0, seq(oid('1.2.840.113549.1.9.14'), set(seq(...exampleExtensions)))),
  algorithm: ecdsaWithSha256,
} as const satisfies Record<string, Uint8Array>;

/** A certification request signed with the example key, sound but for the parts given. */
export function request(wrong: Partial<Record<keyof typeof requestParts, Uint8Array>> = {}): Uint8Array {
  const parts = { ...requestParts, ...wrong };
  const info = seq(parts.version, parts.subject, parts.publicKey, parts.attributes);
  return seq(info, parts.algorithm, bits(signature(info)));
}

const sha256 = seq(oid('2.16.840.1.101.3.4.2.1'));

/** A CMS SignedData over id-data by the holder of `certificate()`. */
export function signedData(content: Uint8Array = request(), signer: Uint8Array = certificate()): Uint8Array {
  const digest = createHash('sha256').update(content).digest();
  const attributes = [
    seq(oid('1.2.840.113549.1.9.3'), set(oid('1.2.840.113549.1.7.1'))),
    seq(oid('1.2.840.113549.1.9.4'), set(tlv(0x04, digest))),
  ];
  const signerInfo = seq(
    int(1),
    seq(certificateParts.issuer, certificateParts.serialNumber),
    sha256,
    tlv(0xa0, ...attributes),
    ecdsaWithSha256,
    tlv(0x04, signature(set(...attributes))),
  );
  return seq(
    oid('1.2.840.113549.1.7.2'),
    tlv(
      0xa0,
      seq(
        int(1),
        set(sha256),
        seq(oid('1.2.840.113549.1.7.1'), tlv(0xa0, tlv(0x04, content))),
        tlv(0xa0, signer),
        set(signerInfo),
      ),
    ),
  );
}

function signature(message: Uint8Array): Uint8Array {
  return sign('sha256', message, exampleKey);
}
