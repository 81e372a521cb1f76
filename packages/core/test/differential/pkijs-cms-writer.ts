import { createHash } from 'node:crypto';
import { BmpString, ObjectIdentifier, OctetString, Sequence } from 'asn1js';
import {
  Attribute,
  Certificate,
  ContentInfo,
  EncapsulatedContentInfo,
  IssuerAndSerialNumber,
  SignedAndUnsignedAttributes,
  SignedData,
  SignerInfo,
} from 'pkijs';
import { hashOf } from './countersigned-cases.ts';
import { extensionOids as oids } from './extension-oids.ts';
import { inOrder } from './pkijs-writer.ts';
import { webCryptoHash, type Signer } from './software-key.ts';

/** Countersigns with pkijs 4.0.0. */
export async function countersign(
  { key, scheme }: Signer,
  agentCertificate: Uint8Array,
  request: Uint8Array,
  requesterName: string,
): Promise<Uint8Array> {
  const certificate = Certificate.fromBER(Uint8Array.from(agentCertificate));
  const encapContentInfo = new EncapsulatedContentInfo({ eContentType: dataOid });
  // Given to the constructor, the content would become a constructed OCTET STRING, which is BER (X.690 10.2).
  encapContentInfo.eContent = new OctetString({ valueHex: Uint8Array.from(request) });
  const signedData = new SignedData({
    version: 1,
    encapContentInfo,
    certificates: [certificate],
    signerInfos: [
      new SignerInfo({
        version: 1,
        sid: new IssuerAndSerialNumber({
          issuer: certificate.issuer,
          serialNumber: certificate.serialNumber,
        }),
        signedAttrs: new SignedAndUnsignedAttributes({
          type: 0,
          attributes: inOrder([
            new Attribute({ type: oids.contentType, values: [new ObjectIdentifier({ value: dataOid })] }),
            new Attribute({
              type: oids.messageDigest,
              values: [new OctetString({ valueHex: digest(scheme, request) })],
            }),
            new Attribute({ type: oids.enrollmentNameValuePair, values: [nameValuePair(requesterName)] }),
          ]),
        }),
      }),
    ],
  });
  const { privateKey } = await key.webCrypto(scheme);
  await signedData.sign(privateKey, 0, webCryptoHash(scheme));
  const contentInfo = new ContentInfo({
    contentType: ContentInfo.SIGNED_DATA,
    content: signedData.toSchema(true),
  });
  return new Uint8Array(contentInfo.toSchema().toBER());
}

const dataOid = '1.2.840.113549.1.7.1';

function digest(scheme: Signer['scheme'], content: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(createHash(hashOf(scheme)).update(content).digest());
}

/** pkijs knows no EnrollmentNameValuePair; its ASN.1 layer writes it. */
function nameValuePair(requesterName: string): Sequence {
  const value = [new BmpString({ value: 'requestername' }), new BmpString({ value: requesterName })];
  return new Sequence({ value });
}
