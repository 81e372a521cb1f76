import { createHash } from 'node:crypto';
import { DerReader } from '../asn1/der-reader.ts';
import { readSignedData, type SignedMessage } from '../cms/read-signed-data.ts';
import { identifies, invalidSignature, verifySignedBy } from '../cms/signer-info.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';
import { readAddAttributes } from './add-attributes.ts';
import {
  assertBodyPartsDistinct,
  controlContents,
  controlValue,
  readControls,
  type Control,
} from './control.ts';
import type { CmcRequest } from './parse-request.ts';
import { readStatusInfo, type CmcStatus, type CmcStatusInfo } from './status-info.ts';

/** A full PKI response, parsed strictly and not yet verified. */
export interface CmcResponse {
  readonly signedMessage: SignedMessage;
  /** `success` only if every status says so; else the first that says something else. */
  readonly status: CmcStatus;
  readonly statusInfos: readonly CmcStatusInfo[];
  /** The one of the enclosed certificates whose hash the response gives. */
  readonly issuedCertificate: Certificate | undefined;
  /** All that are enclosed, in no order that means anything; none is to be trusted for being here. */
  readonly certificates: readonly Certificate[];
  readonly controls: readonly Control[];
  /** Contents octets of an INTEGER. */
  readonly transactionId: Uint8Array | undefined;
  readonly senderNonce: Uint8Array | undefined;
  readonly recipientNonce: Uint8Array | undefined;
}

/**
 * Parses a full PKI response (RFC 5272 4.2, MS-WCCE 3.2.1.4.2.1.4.8.2) and finds the issued certificate by its hash.
 * @throws CountersignError `DER_MALFORMED`, `CONTROL_NOT_PROCESSED`, `RESPONSE_MISMATCH` if no enclosed certificate has
 *   the hash that the response gives
 */
export function parseCmcResponse(der: Uint8Array): CmcResponse {
  const signedMessage = readSignedData(der);
  const { eContentType, content, certificates } = signedMessage;
  const reader = DerReader.sequence(content, 'CMC response');
  if (eContentType !== oids.pkiResponse) {
    throw reader.malformed(`the content type is ${eContentType}; expected id-cct-PKIResponse`);
  }
  const controls = readControls(reader.sequence(), processedControls);
  // Messages within the message would be read by nobody.
  for (const name of ['cmsSequence', 'otherMsgSequence']) {
    if (!reader.sequence().done) throw reader.malformed(`${name} is not empty`);
  }
  reader.end();
  assertBodyPartsDistinct(
    controls.map(({ bodyPartId }) => bodyPartId),
    reader,
  );
  const statusInfos = controls.map(readStatusInfo).filter((info) => info !== undefined);
  return {
    signedMessage,
    // RFC 5272 6.1.2: where no status is given, success is assumed.
    status: statusInfos.find(({ status }) => status !== 'success')?.status ?? 'success',
    statusInfos,
    issuedCertificate: findIssuedCertificate(controls, certificates),
    certificates,
    controls,
    transactionId: controlContents(controls, oids.cmcTransactionId, (value) => value.integer()),
    senderNonce: controlContents(controls, oids.cmcSenderNonce, (value) => value.octetString()),
    recipientNonce: controlContents(controls, oids.cmcRecipientNonce, (value) => value.octetString()),
  };
}

/**
 * Verifies that a CA signed the response and, if the request is given, that the response answers it: the same
 * transaction, the nonce reflected (RFC 5272 6.6), the certificate for the key of the request.
 * @param signer the CA's certificate, known from elsewhere than the response
 * @throws CountersignError `SIGNATURE_INVALID`, `ALGORITHM_NOT_SUPPORTED`, `SCHEME_NOT_SUPPORTED`, `RESPONSE_MISMATCH`
 */
export function verifyCmcResponse(response: CmcResponse, signer: Certificate, request?: CmcRequest): void {
  const { signedMessage, issuedCertificate } = response;
  const [signerInfo, ...others] = signedMessage.signerInfos;
  // MS-WCCE 3.2.1.4.2.1.4.8.2: a single SignerInfo, with the issuer and serial number of the CA's certificate.
  if (signerInfo === undefined || others.length > 0 || !identifies(signerInfo.signerIdentifier, signer)) {
    throw invalidSignature(`the signer is not the certificate ${signer.serialNumber} alone`);
  }
  verifySignedBy(signer.publicKey, signedMessage, signerInfo);
  if (request === undefined) return;
  if (!same(response.transactionId, request.transactionId)) throw mismatch('is of another transaction');
  if (!same(response.recipientNonce, request.senderNonce)) throw mismatch('does not reflect the nonce sent');
  if (issuedCertificate !== undefined && !issuedCertificate.publicKey.equals(request.request.publicKey)) {
    throw mismatch('brings a certificate for another key');
  }
}

const processedControls: ReadonlySet<string> = new Set([
  oids.cmcStatusInfo,
  oids.cmcStatusInfoV2,
  oids.cmcAddAttributes,
  oids.cmcTransactionId,
  oids.cmcSenderNonce,
  oids.cmcRecipientNonce,
  // Words from the CA that need no heeding (RFC 5272 6.12).
  oids.cmcResponseInfo,
]);

function findIssuedCertificate(
  controls: readonly Control[],
  certificates: readonly Certificate[],
): Certificate | undefined {
  const added = controlValue(controls, oids.cmcAddAttributes);
  if (added === undefined) return undefined;
  const values = readAddAttributes(added)
    .attributes.filter(({ type }) => type === oids.issuedCertificateHash)
    .flatMap((attribute) => attribute.values);
  const [value, ...others] = values;
  if (value === undefined) return undefined;
  const reader = DerReader.document(value, 'hash of the issued certificate');
  const hash = reader.octetString();
  reader.end();
  if (others.length > 0) throw reader.malformed('there are several hashes');
  const issued = certificates.find(
    ({ der }) => Buffer.compare(createHash('sha1').update(der).digest(), hash) === 0,
  );
  if (issued === undefined) throw mismatch('encloses no certificate with the hash that it gives');
  return issued;
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}

function mismatch(found: string): CountersignError {
  return new CountersignError(
    'RESPONSE_MISMATCH',
    `the CMC response ${found}`,
    'Do not install what it brings; ask the CA for the response to this request.',
  );
}
