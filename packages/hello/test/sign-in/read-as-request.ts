import { readSignedData, type SignedMessage } from '@countersign/core';
import { DerReader } from '@countersign/core/asn1';

/** What a KDC reads in an AS-REQ. */
export interface ReceivedRequest {
  /** AS-REQ, DER. */
  readonly der: Uint8Array;
  /** KDC-REQ-BODY, DER. */
  readonly body: Uint8Array;
  readonly nonce: number;
  readonly till: Date;
  readonly encryptionTypes: readonly number[];
  /** Values of PA-DATA by type. */
  readonly paData: ReadonlyMap<number, Uint8Array>;
}

/** PKAuthenticator and what else an AuthPack says. */
export interface ReceivedAuthPack {
  readonly signedData: SignedMessage;
  readonly time: Date;
  readonly nonce: number;
  readonly paChecksum: Uint8Array;
  readonly freshnessToken: Uint8Array | undefined;
  /** PAChecksum2, DER. */
  readonly paChecksum2: Uint8Array | undefined;
  /** Of the group, big-endian. */
  readonly prime: Uint8Array;
  readonly publicValue: Uint8Array;
  readonly supportedCmsTypes: readonly string[];
  readonly supportedKdfs: readonly string[];
}

export function readAsRequest(der: Uint8Array): ReceivedRequest {
  const request = DerReader.document(der, 'AS-REQ').constructed(0x6a).sequence();
  request.context(1);
  request.context(2);
  const paData = new Map<number, Uint8Array>();
  const items = request.context(3).sequence();
  while (!items.done) {
    const item = items.sequence();
    paData.set(item.context(1).smallInteger(), item.context(2).octetString());
  }
  const body = request.context(4).any();
  const fields = DerReader.sequence(body, 'KDC-REQ-BODY');
  for (const n of [0, 1, 2, 3]) fields.context(n);
  const till = fields.context(5).generalizedTime();
  if (fields.at(0xa6)) fields.context(6);
  const nonce = fields.context(7).smallInteger();
  const encryptionTypes: number[] = [];
  const types = fields.context(8).sequence();
  while (!types.done) encryptionTypes.push(types.smallInteger());
  return { der, body, nonce, till, encryptionTypes, paData };
}

export function readAuthPack({ paData }: ReceivedRequest): ReceivedAuthPack {
  const paPkAsReq = paData.get(16);
  if (paPkAsReq === undefined) throw new Error('the request is not signed');
  const signedData = readSignedData(DerReader.sequence(paPkAsReq, 'PA-PK-AS-REQ').contextContents(0));
  const authPack = DerReader.sequence(signedData.content, 'AuthPack');
  const authenticator = authPack.context(0).sequence();
  authenticator.context(0).unsignedInteger();
  const time = authenticator.context(1).generalizedTime();
  const nonce = authenticator.context(2).smallInteger();
  const paChecksum = authenticator.context(3).octetString();
  const freshnessToken = authenticator.at(0xa4) ? authenticator.context(4).octetString() : undefined;
  const paChecksum2 = authenticator.at(0xa5) ? authenticator.context(5).any() : undefined;
  authenticator.end();
  const subjectPublicKeyInfo = authPack.context(1).sequence();
  const algorithm = subjectPublicKeyInfo.sequence();
  algorithm.oid();
  const prime = algorithm.sequence().unsignedInteger();
  const publicValue = DerReader.document(
    subjectPublicKeyInfo.octetAlignedBitString(),
    'public value',
  ).unsignedInteger();
  const supportedCmsTypes: string[] = [];
  const cmsTypes = authPack.context(2).sequence();
  while (!cmsTypes.done) supportedCmsTypes.push(cmsTypes.sequence().oid());
  const supportedKdfs: string[] = [];
  const kdfs = authPack.context(4).sequence();
  while (!kdfs.done) supportedKdfs.push(kdfs.sequence().context(0).oid());
  return {
    signedData,
    time,
    nonce,
    paChecksum,
    freshnessToken,
    paChecksum2,
    prime,
    publicValue,
    supportedCmsTypes,
    supportedKdfs,
  };
}
