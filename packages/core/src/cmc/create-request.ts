import { randomBytes } from 'node:crypto';
import { octetString, unsignedInteger } from '../asn1/der-writer.ts';
import { createSignerInfo, digestOf } from '../cms/create-signer-info.ts';
import type { NameValuePair } from '../cms/name-value-pair.ts';
import { requesterNameAttribute, requesterNameKey } from '../cms/requester-name.ts';
import { encodeSignedData } from '../cms/signed-data.ts';
import type { Key } from '../keys/key-provider.ts';
import type { PublicKey } from '../keys/public-key.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';
import { createNoSignatureSignerInfo } from './no-signature.ts';
import { createNullSignedRequest } from './null-signature.ts';
import { encodePkiData } from './pki-data.ts';
import { encodeRegistrationInfo } from './registration-info.ts';

export interface CmcRequestOptions {
  /** Request attributes beside requestername, such as CertificateTemplate (MS-WCCE 2.2.2.7.10). */
  readonly attributes?: readonly NameValuePair[];
  /**
   * Whether a No-Signature SignerInfo for the request's key stands beside the agent's signature; it does if absent.
   * AD CS demands it (MS-WCCE 3.1.1.4.3.3.3); verifiers that know CMS and not CMC (OpenSSL) stumble over it.
   */
  readonly noSignature?: boolean;
}

/**
 * Makes a full PKI request on behalf of someone (RFC 5272 3.2, MS-WCCE 3.1.1.4.3.3.3): a new certification request
 * around a public key, in a PKIData that an enrollment agent signs. Whoever calls it has seen the proof that the
 * requester holds the private key.
 * @param requesterName `DOMAIN\account` of the user that the certificate is for
 * @returns ContentInfo, DER
 * @throws CountersignError `VALUE_OUT_OF_RANGE` if the name holds what the format cannot (`&`); what `key.sign` throws
 */
export async function createCmcRequest(
  key: Key,
  scheme: SignatureScheme,
  agentCertificate: Certificate,
  publicKey: PublicKey,
  requesterName: string,
  options: CmcRequestOptions = {},
): Promise<Uint8Array> {
  const registrationInfo = encodeRegistrationInfo([
    { name: requesterNameKey, value: requesterName },
    ...(options.attributes ?? []),
  ]);
  const content = encodePkiData({
    bodyPartId: 1,
    certificationRequest: createNullSignedRequest(publicKey),
    controls: [
      { bodyPartId: 2, type: oids.cmcRegInfo, values: [octetString(registrationInfo)] },
      { bodyPartId: 3, type: oids.cmcTransactionId, values: [unsignedInteger(randomBytes(16))] },
      { bodyPartId: 4, type: oids.cmcSenderNonce, values: [octetString(randomBytes(16))] },
    ],
  });
  const signed = { eContentType: oids.pkiData, content };
  // A CA may look for the requester in the controls or, as in the form around PKCS#10, among the signed attributes.
  const attributes = [requesterNameAttribute(requesterName)];
  const agent = await createSignerInfo(key, scheme, agentCertificate, signed, attributes);
  const holder = createNoSignatureSignerInfo(publicKey.keyIdentifier, digestOf(scheme), signed);
  const signerInfos = options.noSignature === false ? [agent] : [holder, agent];
  return encodeSignedData(signed, [agentCertificate], signerInfos);
}
