import {
  BitString,
  BmpString,
  IA5String,
  Integer,
  OctetString,
  PrintableString,
  Sequence,
  Set as Asn1Set,
  Utf8String,
  fromBER,
  ObjectIdentifier,
  BaseBlock,
} from 'asn1js';
import {
  AltName,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  CertificateRevocationList,
  CertificationRequest,
  ContentInfo,
  CRLDistributionPoints,
  Extensions,
  ExtKeyUsage,
  InfoAccess,
  IssuerAndSerialNumber,
  SignedData,
  type Attribute,
  type Extension,
  type GeneralName,
  type RelativeDistinguishedNames,
} from 'pkijs';
import { sorted, type DistinguishedName } from './distinguished-names.ts';
import { extensionOids as oids, keyUsageNames } from './extension-oids.ts';
import {
  byType,
  hex,
  saidTogether,
  type AttributeValues,
  type CertificateValues,
  type CountersignedValues,
  type CrlValues,
  type ExtensionMeaning,
  type ExtensionValues,
  type RequestValues,
} from './values.ts';

/** What pkijs 4.0.0 reads. */

export async function readRequest(der: Uint8Array): Promise<RequestValues> {
  const request = CertificationRequest.fromBER(Uint8Array.from(der));
  const attributes = request.attributes ?? [];
  const extensions = attributes
    .filter(({ type }) => type === oids.extensionRequest)
    .flatMap(({ values }) => new Extensions({ schema: values[0] }).extensions);
  return {
    subject: distinguishedName(request.subject),
    publicKey: hex(request.subjectPublicKeyInfo.toSchema().toBER()),
    attributes: byType(attributes.filter(({ type }) => type !== oids.extensionRequest).map(attributeValues)),
    extensionRequests: extensions.map(extensionValues),
    userPrincipalNames: extensions.flatMap((extension) => userPrincipalNames(namesIn(extension))),
    verifies: await request.verify(),
  };
}

export async function readCertificate(der: Uint8Array, issuerDer: Uint8Array): Promise<CertificateValues> {
  const certificate = Certificate.fromBER(Uint8Array.from(der));
  const extensions = certificate.extensions ?? [];
  return {
    serialNumber: hex(certificate.serialNumber.valueBlock.valueHexView),
    issuer: distinguishedName(certificate.issuer),
    notBefore: certificate.notBefore.value.toISOString(),
    notAfter: certificate.notAfter.value.toISOString(),
    subject: distinguishedName(certificate.subject),
    publicKey: hex(certificate.subjectPublicKeyInfo.toSchema().toBER()),
    extensions: extensions.map(extensionValues),
    meaning: saidTogether(extensions.map(meaningOf)),
    verifies: await certificate.verify(Certificate.fromBER(Uint8Array.from(issuerDer))),
  };
}

export async function readCrl(der: Uint8Array, issuerDer: Uint8Array): Promise<CrlValues> {
  const crl = CertificateRevocationList.fromBER(Uint8Array.from(der));
  const extensions = crl.crlExtensions?.extensions ?? [];
  const number: unknown = extensions.find(({ extnID }) => extnID === oids.cRLNumber)?.parsedValue;
  const { authorityKeyIdentifier = 'absent' } = saidTogether(extensions.map(meaningOf));
  return {
    issuer: distinguishedName(crl.issuer),
    thisUpdate: crl.thisUpdate.value.toISOString(),
    nextUpdate: crl.nextUpdate?.value.toISOString() ?? 'absent',
    crlNumber: number instanceof Integer ? Number(number.toBigInt()) : Number.NaN,
    authorityKeyIdentifier,
    extensions: extensions.map(extensionValues),
    entries: (crl.revokedCertificates ?? []).map(
      ({ userCertificate, revocationDate, crlEntryExtensions }) => {
        const reason: unknown = crlEntryExtensions?.extensions.find(
          ({ extnID }) => extnID === '2.5.29.21',
        )?.parsedValue;
        return {
          serialNumber: hex(userCertificate.valueBlock.valueHexView),
          revokedAt: revocationDate.value.toISOString(),
          reason: reason instanceof Integer ? Number(reason.toBigInt()) : 0,
        };
      },
    ),
    verifies: await crl.verify({ issuerCertificate: Certificate.fromBER(Uint8Array.from(issuerDer)) }),
  };
}

export async function readCountersigned(der: Uint8Array): Promise<CountersignedValues> {
  const contentInfo = ContentInfo.fromBER(Uint8Array.from(der));
  const signedData = new SignedData({ schema: contentInfo.content });
  const [signer] = signedData.signerInfos;
  if (!(signer?.sid instanceof IssuerAndSerialNumber)) throw new TypeError('no issuerAndSerialNumber');
  const certificates = signedData.certificates ?? [];
  return {
    eContentType: signedData.encapContentInfo.eContentType,
    content: hex(signedData.encapContentInfo.eContent?.getValue() ?? new ArrayBuffer(0)),
    certificates: certificates.map((certificate) => hex(certificate.toSchema().toBER())),
    signerIssuer: distinguishedName(signer.sid.issuer),
    signerSerialNumber: hex(signer.sid.serialNumber.valueBlock.valueHexView),
    digestAlgorithm: signer.digestAlgorithm.algorithmId,
    signedAttributes: byType((signer.signedAttrs?.attributes ?? []).map(attributeValues)),
    verifies: await verifies(signedData),
  };
}

/** pkijs rejects where the digest is wrong and resolves with false where the signature is. */
async function verifies(signedData: SignedData): Promise<boolean> {
  try {
    return await signedData.verify({ signer: 0, checkChain: false });
  } catch {
    return false;
  }
}

function meaningOf(extension: Extension): ExtensionMeaning {
  const { extnID } = extension;
  const value: unknown = extension.parsedValue;
  if (extnID === oids.keyUsage && value instanceof BitString) {
    const bits = value.valueBlock.valueHexView;
    return {
      keyUsage: keyUsageNames.filter((_, bit) => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0),
    };
  }
  if (value instanceof ExtKeyUsage) return { extKeyUsage: value.keyPurposes };
  if (value instanceof BasicConstraints) {
    const { cA, pathLenConstraint } = value;
    return {
      basicConstraints: {
        cA,
        ...(typeof pathLenConstraint === 'number' ? { pathLenConstraint } : {}),
      },
    };
  }
  if (extnID === oids.subjectAltName) {
    const names = namesIn(extension);
    return {
      userPrincipalNames: userPrincipalNames(names),
      dNSNames: names.filter(({ type }) => type === 2).map(({ value: name }) => String(name)),
    };
  }
  if (extnID === oids.subjectKeyIdentifier && value instanceof OctetString) {
    return { subjectKeyIdentifier: hex(value.getValue()) };
  }
  if (value instanceof AuthorityKeyIdentifier) {
    return value.keyIdentifier === undefined
      ? {}
      : { authorityKeyIdentifier: hex(value.keyIdentifier.valueBlock.valueHexView) };
  }
  return uris(value);
}

function uris(value: unknown): ExtensionMeaning {
  if (value instanceof CRLDistributionPoints) {
    return {
      crlUris: value.distributionPoints.flatMap(({ distributionPoint }) =>
        Array.isArray(distributionPoint) ? distributionPoint.map((name) => String(name.value)) : [],
      ),
    };
  }
  if (value instanceof InfoAccess) {
    return { caIssuersUris: value.accessDescriptions.map((access) => String(access.accessLocation.value)) };
  }
  return {};
}

function namesIn({ extnID, parsedValue }: Extension): GeneralName[] {
  return extnID === oids.subjectAltName && parsedValue instanceof AltName ? parsedValue.altNames : [];
}

/** pkijs keeps an otherName as the SEQUENCE that it is. */
function userPrincipalNames(names: readonly GeneralName[]): string[] {
  return names.flatMap(({ type, value }) => {
    if (type !== 0) return [];
    const [typeId, explicit] = parts(value);
    if (!(typeId instanceof ObjectIdentifier) || typeId.getValue() !== oids.userPrincipalName) return [];
    const [upn] = parts(explicit);
    return upn instanceof Utf8String ? [upn.getValue()] : ['not a UTF8String'];
  });
}

/**
 * pkijs flattens a Name into one list of attributes and forgets which of them share an RDN. Its ASN.1 layer, asn1js,
 * keeps them apart, and the list must say the same in the same order.
 */
export function distinguishedName({
  valueBeforeDecode,
  typesAndValues,
}: RelativeDistinguishedNames): DistinguishedName {
  const rdns = parts(fromBER(valueBeforeDecode).result).map((rdn) =>
    parts(rdn).map((attribute) => {
      const [type, value] = parts(attribute);
      return [type instanceof ObjectIdentifier ? type.getValue() : 'no type', text(value)] as const;
    }),
  );
  const flattened = typesAndValues.map(({ type, value }) => [type, text(value)]);
  if (JSON.stringify(flattened) !== JSON.stringify(rdns.flat())) {
    throw new Error(`pkijs reads ${JSON.stringify(flattened)}, asn1js ${JSON.stringify(rdns)}`);
  }
  return rdns.map(sorted);
}

function text(value: unknown): string {
  const isText =
    value instanceof Utf8String ||
    value instanceof PrintableString ||
    value instanceof IA5String ||
    value instanceof BmpString;
  return isText ? value.getValue() : 'not text';
}

function parts(block: unknown): BaseBlock[] {
  if (block instanceof Sequence || block instanceof Asn1Set) return block.valueBlock.value;
  // A context tag is a plain Constructed.
  if (typeof block !== 'object' || block === null || !('valueBlock' in block)) return [];
  const { valueBlock } = block;
  if (typeof valueBlock !== 'object' || valueBlock === null || !('value' in valueBlock)) return [];
  const list: unknown = valueBlock.value;
  return Array.isArray(list) ? list.filter(isBlock) : [];
}

function isBlock(part: unknown): part is BaseBlock {
  return part instanceof BaseBlock;
}

function attributeValues({ type, values }: Attribute): AttributeValues {
  return { type, values: values.map((value: BaseBlock) => hex(value.toBER())) };
}

function extensionValues({ extnID, critical, extnValue }: Extension): ExtensionValues {
  return { oid: extnID, critical, value: hex(extnValue.valueBlock.valueHexView) };
}
