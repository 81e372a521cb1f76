import { createHash, randomBytes } from 'node:crypto';
import { element, octetString, sequence } from '../asn1/der-writer.ts';
import { tag } from '../asn1/tag.ts';
import { createSignerInfo } from '../cms/create-signer-info.ts';
import { encodeSignedData } from '../cms/signed-data.ts';
import type { Key } from '../keys/key-provider.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';
import { encodeAddAttributes } from './add-attributes.ts';
import { encodeControl } from './control.ts';
import type { CmcRequest } from './parse-request.ts';
import {
  encodeStatusInfo,
  encodeStatusInfoV2,
  type CmcFailInfo,
  type CmcStatusInfo,
  type PendInfo,
} from './status-info.ts';

/** What the CA has to say. */
export type CmcOutcome =
  | { readonly status: 'success'; readonly certificate: Certificate; readonly statusString?: string }
  | { readonly status: 'failed'; readonly failInfo: CmcFailInfo; readonly statusString?: string }
  | { readonly status: 'pending'; readonly pendInfo: PendInfo; readonly statusString?: string };

export interface CmcResponseOptions {
  /** The CMC request that is answered; absent for one in another form, whose body part counts as 1. */
  readonly request?: Pick<CmcRequest, 'bodyPartId' | 'transactionId' | 'senderNonce'>;
  /** Enclosed beside the CA's certificate and the one issued. */
  readonly certificates?: readonly Certificate[];
}

/**
 * Makes a full PKI response (RFC 5272 4.2, MS-WCCE 3.2.1.4.2.1.4.8.2), signed by the CA. The controls that AD CS sends
 * come first and as it numbers them; those that only RFC 5272 asks for follow.
 * @returns ContentInfo, DER
 */
export async function createCmcResponse(
  key: Key,
  scheme: SignatureScheme,
  caCertificate: Certificate,
  outcome: CmcOutcome,
  options: CmcResponseOptions = {},
): Promise<Uint8Array> {
  const { request, certificates = [] } = options;
  const bodyPart = request?.bodyPartId ?? 1;
  const issued = outcome.status === 'success' ? outcome.certificate : undefined;
  const statusInfo: CmcStatusInfo = {
    statusString: statusStrings[outcome.status],
    ...outcome,
    bodyParts: [bodyPart],
  };
  const values: [type: string, value: Uint8Array][] = [
    [oids.cmcStatusInfo, encodeStatusInfo(statusInfo)],
    ...(issued === undefined ? [] : [issuedCertificateHash(issued, bodyPart)]),
    // RFC 5272 6.1: servers MUST use the extended control.
    [oids.cmcStatusInfoV2, encodeStatusInfoV2(statusInfo)],
    ...answersTo(request),
  ];
  const controls = values.map(([type, value], index) =>
    encodeControl({ bodyPartId: index + 1, type, values: [value] }),
  );
  const content = sequence(sequence(...controls), sequence(), sequence());
  const signed = { eContentType: oids.pkiResponse, content };
  const signerInfo = await createSignerInfo(key, scheme, caCertificate, signed, []);
  const enclosed = [...(issued === undefined ? [] : [issued]), caCertificate, ...certificates];
  return encodeSignedData(signed, enclosed, [signerInfo]);
}

const statusStrings = { success: 'Issued', failed: 'Denied', pending: 'Taken Under Submission' } as const;

/** MS-WCCE 3.2.1.4.2.1.4.8.2: SHA-1, which here picks one of the enclosed certificates and secures nothing. */
function issuedCertificateHash(issued: Certificate, bodyPart: number): [type: string, value: Uint8Array] {
  const hash = createHash('sha1').update(issued.der).digest();
  const attributes = [{ type: oids.issuedCertificateHash, values: [octetString(hash)] }];
  return [oids.cmcAddAttributes, encodeAddAttributes({ certificationRequests: [bodyPart], attributes })];
}

/** RFC 5272 6.6: the transaction identifier comes back, the sender's nonce as the recipient's, with a new one. */
function answersTo(request: CmcResponseOptions['request']): [type: string, value: Uint8Array][] {
  const { transactionId, senderNonce } = request ?? {};
  return [
    ...(transactionId === undefined
      ? []
      : [[oids.cmcTransactionId, element(tag.integer, transactionId)] satisfies [string, Uint8Array]]),
    ...(senderNonce === undefined
      ? []
      : [
          [oids.cmcSenderNonce, octetString(randomBytes(16))] satisfies [string, Uint8Array],
          [oids.cmcRecipientNonce, octetString(senderNonce)] satisfies [string, Uint8Array],
        ]),
  ];
}
