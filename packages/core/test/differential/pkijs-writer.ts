import {
  Constructed,
  fromBER,
  IA5String,
  ObjectIdentifier,
  PrintableString,
  Sequence,
  Set as Asn1Set,
  Utf8String,
  type BaseBlock,
} from 'asn1js';
import {
  Attribute,
  AttributeTypeAndValue,
  CertificationRequest,
  Extension,
  Extensions,
  RelativeDistinguishedNames,
  type GeneralName,
} from 'pkijs';
import {
  inDerOrder,
  stringTypeOf,
  type DistinguishedName,
  type NameAttribute,
} from './distinguished-names.ts';
import { extensionOids as oids } from './extension-oids.ts';
import type { RequestCase } from './request-cases.ts';
import { webCryptoHash } from './software-key.ts';
import { octets, type AttributeValues, type ExtensionValues } from './values.ts';

/** Writes with pkijs 4.0.0. */

export async function writeRequest(requestCase: RequestCase): Promise<Uint8Array> {
  const { signer, subject, userPrincipalNames, extensions, attributes } = requestCase;
  const request = new CertificationRequest({ subject: pkijsName(subject) });
  const keys = await signer.key.webCrypto(signer.scheme);
  await request.subjectPublicKeyInfo.importKey(keys.publicKey);
  const requested = [
    ...(userPrincipalNames.length === 0 ? [] : [subjectAltName(userPrincipalNames)]),
    ...extensions.map(pkijsExtension),
  ];
  const all = attributes.map(pkijsAttribute);
  if (requested.length > 0) {
    const values = [new Extensions({ extensions: requested }).toSchema()];
    all.push(new Attribute({ type: oids.extensionRequest, values }));
  }
  request.attributes = inOrder(all);
  await request.sign(keys.privateKey, webCryptoHash(signer.scheme));
  return new Uint8Array(request.toSchema().toBER());
}

/** pkijs writes a SET OF in the order in which it is given. */
export function inOrder(attributes: readonly Attribute[]): Attribute[] {
  return attributes
    .map((attribute) => ({ attribute, encoding: new Uint8Array(attribute.toSchema().toBER()) }))
    .sort((a, b) => Buffer.compare(a.encoding, b.encoding))
    .map(({ attribute }) => attribute);
}

/** pkijs wraps the value of an otherName once too often (`[0]` is IMPLICIT there), so asn1js writes these names. */
export function subjectAltName(
  userPrincipalNames: readonly string[],
  others: readonly GeneralName[] = [],
  critical = false,
): Extension {
  const names = userPrincipalNames.map((upn) =>
    contextTag(0, [
      new ObjectIdentifier({ value: oids.userPrincipalName }),
      contextTag(0, [new Utf8String({ value: upn })]),
    ]),
  );
  const value = [...names, ...others.map((other) => other.toSchema())];
  return new Extension({ extnID: oids.subjectAltName, critical, extnValue: new Sequence({ value }).toBER() });
}

export function contextTag(tagNumber: number, value: BaseBlock[]): Constructed {
  return new Constructed({ idBlock: { tagClass: 3, tagNumber }, value });
}

/**
 * pkijs writes a Name that it is given as a list of attributes as one multi-valued RDN. What it was given as ASN.1 it
 * writes as it is.
 */
export function pkijsName(name: DistinguishedName): RelativeDistinguishedNames {
  const rdns = name.map((rdn) => new Asn1Set({ value: inDerOrder(rdn).map(attributeTypeAndValue) }));
  const schema = fromBER(new Sequence({ value: rdns }).toBER()).result;
  return new RelativeDistinguishedNames({ schema });
}

function attributeTypeAndValue([type, text]: NameAttribute): Sequence {
  const strings = { utf8String: Utf8String, printableString: PrintableString, ia5String: IA5String };
  const value = new strings[stringTypeOf(type)]({ value: text });
  return new AttributeTypeAndValue({ type, value }).toSchema();
}

function pkijsAttribute({ type, values }: AttributeValues): Attribute {
  return new Attribute({ type, values: values.map((value) => fromBER(octets(value)).result) });
}

export function pkijsExtension({ oid, critical, value }: ExtensionValues): Extension {
  return new Extension({ extnID: oid, critical, extnValue: octets(value).buffer });
}
