import { DerReader } from '../asn1/der-reader.ts';
import type { NameValuePair } from '../cms/name-value-pair.ts';
import { readSignedData, type SignedMessage } from '../cms/read-signed-data.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import { CertificationRequest } from '../request/certification-request.ts';
import { readAddAttributes, type AddedAttributes } from './add-attributes.ts';
import { controlContents, controlValue, type Control } from './control.ts';
import { hasNullSignature, verifyNullSignature } from './null-signature.ts';
import { readPkiData } from './pki-data.ts';
import { parseRegistrationInfo } from './registration-info.ts';
import { cmcRequesterName } from './requester-name.ts';
import { verifySigner, type CmcSigner } from './verify-signer.ts';

/** A full PKI request on behalf of someone. Every signature on it holds; nobody's standing is checked yet. */
export interface CmcRequest {
  /** PKIData, DER: what every signer signed. */
  readonly content: Uint8Array;
  readonly request: CertificationRequest;
  /** The body part that the certification request is; a response refers to it. */
  readonly bodyPartId: number;
  /** `DOMAIN\account`. */
  readonly requesterName: string;
  readonly signers: readonly CmcSigner[];
  /** Who showed that the request's key is its holder's: that key itself, or the agent who says so. */
  readonly proofOfPossession: 'key' | 'agent';
  /** The pairs of the RegInfo control, requestername included. */
  readonly attributes: readonly NameValuePair[];
  readonly controls: readonly Control[];
  /** Contents octets of an INTEGER. */
  readonly transactionId: Uint8Array | undefined;
  readonly senderNonce: Uint8Array | undefined;
}

/**
 * Parses a full PKI request (RFC 5272 3.2) as MS-WCCE 3.2.2.6.2.1.2.1.2 has it, and verifies every signature in it.
 * @throws CountersignError `DER_MALFORMED`, `CONTROL_NOT_PROCESSED`, `REQUESTER_MISMATCH`, `SIGNATURE_INVALID`,
 *   `PROOF_OF_POSSESSION_INVALID`, `ALGORITHM_NOT_SUPPORTED`, `SCHEME_NOT_SUPPORTED`, `KEY_NOT_ACCEPTABLE`,
 *   `REQUEST_NOT_COUNTERSIGNED` if no certified key signed
 */
export function parseCmcRequest(der: Uint8Array): CmcRequest {
  const message = readSignedData(der);
  assertPkiData(message);
  const { controls, bodyPartId, certificationRequest } = readPkiData(message.content);
  const request = CertificationRequest.parse(certificationRequest);
  const signers = message.signerInfos.map((signerInfo) => verifySigner(message, signerInfo, request));
  if (!signers.some(({ kind }) => kind === 'certificate')) throw notCountersigned();
  const attributes = readRegistrationInfo(controls);
  return {
    content: message.content,
    request,
    bodyPartId,
    requesterName: cmcRequesterName(attributes, readAddedAttributes(controls, bodyPartId), signers),
    signers,
    proofOfPossession: verifyProofOfPossession(request, signers),
    attributes,
    controls,
    transactionId: controlContents(controls, oids.cmcTransactionId, (reader) => reader.integer()),
    senderNonce: controlContents(controls, oids.cmcSenderNonce, (reader) => reader.octetString()),
  };
}

/** Whether a ContentInfo is a SignedData around PKIData. Says nothing of whether the rest is well-formed. */
export function isCmcRequest(der: Uint8Array): boolean {
  try {
    const contentInfo = DerReader.document(der, 'CMS message').sequence();
    contentInfo.oid();
    const signedData = contentInfo.context(0).sequence();
    signedData.integer();
    signedData.setOf();
    return signedData.sequence().oid() === oids.pkiData;
  } catch (error) {
    if (error instanceof CountersignError) return false;
    throw error;
  }
}

function assertPkiData({ eContentType, crls }: SignedMessage): void {
  const defect =
    eContentType !== oids.pkiData
      ? `it holds content type ${eContentType}; expected id-cct-PKIData`
      : crls.length > 0
        ? 'it encloses CRLs, which have no place in a request'
        : undefined;
  if (defect === undefined) return;
  throw new CountersignError(
    'DER_MALFORMED',
    `the CMS message is not a full PKI request: ${defect}`,
    'Countersign in the cms or the cmc format.',
    { adcs: 'CRYPT_E_INVALID_MSG_TYPE' },
  );
}

/** MS-WCCE 2.2.2.6.5: a hash in place of the signature is taken in this form, where the agent answers for the key. */
function verifyProofOfPossession(
  request: CertificationRequest,
  signers: readonly CmcSigner[],
): CmcRequest['proofOfPossession'] {
  if (!hasNullSignature(request)) {
    request.verifyProofOfPossession();
    return 'key';
  }
  verifyNullSignature(request);
  return signers.some(({ kind }) => kind === 'request-key') ? 'key' : 'agent';
}

function readRegistrationInfo(controls: readonly Control[]): NameValuePair[] {
  const octets = controlContents(controls, oids.cmcRegInfo, (reader) => reader.octetString());
  return octets === undefined ? [] : parseRegistrationInfo(octets);
}

function readAddedAttributes(
  controls: readonly Control[],
  bodyPartId: number,
): AddedAttributes['attributes'] {
  const value = controlValue(controls, oids.cmcAddAttributes);
  if (value === undefined) return [];
  const { certificationRequests, attributes } = readAddAttributes(value);
  if (certificationRequests.length === 1 && certificationRequests[0] === bodyPartId) return attributes;
  throw DerReader.document(value, 'CMC request').malformed(
    'attributes are added to something else than the certification request',
  );
}

function notCountersigned(): CountersignError {
  return new CountersignError(
    'REQUEST_NOT_COUNTERSIGNED',
    'no certified key signed the CMC request; the profile demands the signature of an enrollment agent',
    'Have it countersigned first: countersign ra countersign --format cmc --dir RA --request FILE --requester UPN --out FILE',
    { adcs: 'CERTSRV_E_SIGNATURE_POLICY_REQUIRED' },
  );
}
