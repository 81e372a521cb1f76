import { createHash } from 'node:crypto';
import type { Certificate } from '@countersign/core';
import {
  bitString,
  concat,
  context,
  element,
  integer,
  octetString,
  oid,
  sequence,
} from '../path-validation/der.ts';
import type { SoftwareKey } from './software-key.ts';

/** Full PKI requests as other programs write them, or should not: everything can be said, nothing is checked. */
export interface ForeignRequest {
  readonly controls?: readonly Uint8Array[];
  /** The elements of reqSequence. */
  readonly requests: readonly Uint8Array[];
  readonly cmsSequence?: readonly Uint8Array[];
  readonly otherMsgSequence?: readonly Uint8Array[];
  readonly contentType?: string;
  readonly version?: number;
  readonly digestAlgorithms?: readonly Uint8Array[];
  readonly certificates?: readonly Uint8Array[];
  /** Elements between the certificates and the signers. */
  readonly crls?: readonly Uint8Array[];
  readonly signers: readonly Signer[];
}

export const ids = {
  pkiData: '1.3.6.1.5.5.7.12.2',
  pkiResponse: '1.3.6.1.5.5.7.12.3',
  regInfo: '1.3.6.1.5.5.7.7.18',
  transactionId: '1.3.6.1.5.5.7.7.5',
  senderNonce: '1.3.6.1.5.5.7.7.6',
  addAttributes: '1.3.6.1.4.1.311.10.10.1',
  nameValuePair: '1.3.6.1.4.1.311.13.2.1',
  clientInfo: '1.3.6.1.4.1.311.21.20',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signedData: '1.2.840.113549.1.7.2',
  data: '1.2.840.113549.1.7.1',
} as const;

export const sha256 = sequence(oid('2.16.840.1.101.3.4.2.1'));
const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
const noSignature = sequence(oid('1.3.6.1.5.5.7.6.2'), Uint8Array.of(5, 0));

/** ContentInfo, DER. */
export function foreignRequest(fields: ForeignRequest): Uint8Array {
  return signedMessage(pkiData(fields), fields);
}

export function pkiData(fields: ForeignRequest): Uint8Array {
  return sequence(
    sequence(...(fields.controls ?? [])),
    sequence(...fields.requests),
    sequence(...(fields.cmsSequence ?? [])),
    sequence(...(fields.otherMsgSequence ?? [])),
  );
}

export function signedMessage(content: Uint8Array, fields: Omit<ForeignRequest, 'requests'>): Uint8Array {
  const contentType = fields.contentType ?? ids.pkiData;
  const certificates = fields.certificates ?? [
    ...new Set(fields.signers.flatMap(({ certificate }) => certificate ?? [])),
  ];
  const signedData = sequence(
    integer(fields.version ?? versionFor(contentType, fields.signers)),
    set(fields.digestAlgorithms ?? (fields.signers.length === 0 ? [] : [sha256])),
    sequence(oid(contentType), context(0, octetString(content))),
    set(certificates, 0xa0),
    ...(fields.crls ?? []),
    set(fields.signers.map((signer) => signer.sign(contentType, content))),
  );
  return sequence(oid(ids.signedData), context(0, signedData));
}

/** RFC 5652 5.1: 3, unless the content is id-data and every signer is named by issuer and serial number. */
function versionFor(contentType: string, signers: readonly Signer[]): number {
  return contentType === ids.data && signers.every(({ version }) => version === 1) ? 1 : 3;
}

export interface Signer {
  /** Of its SignerInfo. */
  readonly version: number;
  readonly certificate?: Uint8Array;
  /** SignerInfo, DER. */
  sign(contentType: string, content: Uint8Array): Uint8Array;
}

export interface SignerOptions {
  /** Beside contentType and messageDigest: DER of whole attributes. */
  readonly attributes?: readonly Uint8Array[];
  readonly contentType?: string;
  /** Without signed attributes the signature is over the content. */
  readonly withoutAttributes?: boolean;
  readonly unsignedAttributes?: readonly Uint8Array[];
  readonly signatureAlgorithm?: Uint8Array;
  /** What makes the signature, of what is to be signed; the key, with ECDSA and SHA-256, if absent. */
  readonly signature?: (message: Uint8Array) => Uint8Array;
}

/** Someone with a certificate, named by its issuer and serial number. */
export function certified(key: SoftwareKey, certificate: Certificate, options: SignerOptions = {}): Signer {
  const name = sequence(certificate.issuer.der, element(0x02, certificate.serialNumberOctets));
  return {
    version: 1,
    certificate: certificate.der,
    sign: signerInfo(1, name, ecdsaWithSha256, (message) => key.signNow('ecdsa-sha256', message), options),
  };
}

/** The key in the certification request, named by its subject key identifier. */
export function requestKey(key: SoftwareKey, keyIdentifier: Uint8Array, options: SignerOptions = {}): Signer {
  const name = element(0x80, keyIdentifier);
  return {
    version: 3,
    sign: signerInfo(3, name, ecdsaWithSha256, (message) => key.signNow('ecdsa-sha256', message), options),
  };
}

/** Nobody, in the place of the key in the certification request. */
export function nobody(keyIdentifier: Uint8Array, options: SignerOptions = {}): Signer {
  return { version: 3, sign: signerInfo(3, element(0x80, keyIdentifier), noSignature, hash, options) };
}

/** Nobody, as .NET names it: a dummy for the issuer and no parameters to the algorithm. */
export function dummySigner(serialNumber = 0, options: SignerOptions = {}): Signer {
  const commonName = sequence(oid('2.5.4.3'), element(0x13, Buffer.from('Dummy Signer')));
  const name = sequence(sequence(set([commonName])), integer(serialNumber));
  return { version: 1, sign: signerInfo(1, name, sequence(oid('1.3.6.1.5.5.7.6.2')), hash, options) };
}

function signerInfo(
  version: number,
  name: Uint8Array,
  algorithm: Uint8Array,
  sign: (message: Uint8Array) => Uint8Array,
  options: SignerOptions,
): Signer['sign'] {
  return (contentType, content) => {
    const attributes = [
      attribute(ids.contentType, oid(options.contentType ?? contentType)),
      attribute(ids.messageDigest, octetString(hash(content))),
      ...(options.attributes ?? []),
    ];
    const omitted = options.withoutAttributes === true;
    const signature = (options.signature ?? sign)(omitted ? content : set(attributes));
    return sequence(
      integer(version),
      name,
      sha256,
      ...(omitted ? [] : [set(attributes, 0xa0)]),
      options.signatureAlgorithm ?? algorithm,
      octetString(signature),
      ...(options.unsignedAttributes === undefined ? [] : [set(options.unsignedAttributes, 0xa1)]),
    );
  };
}

/** tcr: a PKCS#10 request. */
export function taggedRequest(request: Uint8Array, bodyPartId = 1): Uint8Array {
  return context(0, integer(bodyPartId), request);
}

export function control(bodyPartId: number, type: string, ...values: readonly Uint8Array[]): Uint8Array {
  return sequence(integer(bodyPartId), oid(type), set(values));
}

export function regInfo(bodyPartId: number, text: string): Uint8Array {
  return control(bodyPartId, ids.regInfo, octetString(Buffer.from(text)));
}

/** Microsoft's control, which adds attributes to a request from without. */
export function addAttributes(
  bodyPartId: number,
  reference: number,
  ...attributes: readonly Uint8Array[]
): Uint8Array {
  const value = sequence(integer(0), sequence(integer(reference)), set(attributes));
  return control(bodyPartId, ids.addAttributes, value);
}

export function attribute(type: string, ...values: readonly Uint8Array[]): Uint8Array {
  return sequence(oid(type), set(values));
}

/** EnrollmentNameValuePair. */
export function pair(name: string, value: string): Uint8Array {
  return sequence(bmpString(name), bmpString(value));
}

/** A PKCS#10 request around a public key with the hash of it for a signature. */
export function nullSigned(publicKey: Uint8Array, ...attributes: readonly Uint8Array[]): Uint8Array {
  const info = sequence(integer(0), sequence(), publicKey, set(attributes, 0xa0));
  return sequence(info, sha256, bitString(hash(info)));
}

export function set(elements: readonly Uint8Array[], identifier = 0x31): Uint8Array {
  return element(identifier, ...[...elements].sort((a, b) => Buffer.compare(a, b)));
}

export function hash(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(bytes).digest());
}

function bmpString(text: string): Uint8Array {
  return element(0x1e, concat(Buffer.from(text, 'utf16le').swap16()));
}
