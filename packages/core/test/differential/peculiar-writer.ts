import {
  Attribute,
  Extension,
  ExtensionsAttribute,
  Name,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from './peculiar-x509.ts';
import { inDerOrder, stringTypeOf, type DistinguishedName } from './distinguished-names.ts';
import type { RequestCase } from './request-cases.ts';
import { webCryptoHash, type Signer } from './software-key.ts';
import { octets, type ExtensionValues } from './values.ts';

/** Writes with @peculiar/x509 2.2.0. */

export async function writeRequest(requestCase: RequestCase): Promise<Uint8Array> {
  const { signer, subject, userPrincipalNames, extensions, attributes } = requestCase;
  const requested = [
    ...(userPrincipalNames.length === 0 ? [] : [subjectAltName(userPrincipalNames)]),
    ...extensions.map(peculiarExtension),
  ];
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys: await signer.key.webCrypto(signer.scheme),
    signingAlgorithm: signingAlgorithm(signer),
    name: peculiarName(subject),
    attributes: inOrder([
      ...attributes.map(({ type, values }) => new Attribute(type, values.map(octets))),
      ...(requested.length === 0 ? [] : [new ExtensionsAttribute(requested)]),
    ]),
  });
  return new Uint8Array(request.rawData);
}

/** The library writes a SET OF in the order in which it is given, and what it takes as `extensions` last. */
function inOrder(attributes: readonly Attribute[]): Attribute[] {
  return [...attributes].sort((a, b) => Buffer.compare(new Uint8Array(a.rawData), new Uint8Array(b.rawData)));
}

export function subjectAltName(userPrincipalNames: readonly string[]): Extension {
  return new SubjectAlternativeNameExtension(userPrincipalNames.map((value) => ({ type: 'upn', value })));
}

export function peculiarName(name: DistinguishedName): Name {
  return new Name(
    name.map((rdn) =>
      Object.fromEntries(inDerOrder(rdn).map(([oid, text]) => [oid, [{ [stringTypeOf(oid)]: text }]])),
    ),
  );
}

export function peculiarExtension({ oid, critical, value }: ExtensionValues): Extension {
  return new Extension(oid, critical, octets(value));
}

interface SigningAlgorithm {
  readonly name: string;
  readonly hash?: string;
  readonly saltLength?: number;
}

export function signingAlgorithm({ scheme }: Signer): SigningAlgorithm {
  if (scheme === 'ed25519') return { name: 'Ed25519' };
  const hash = webCryptoHash(scheme);
  if (scheme.startsWith('ecdsa')) return { name: 'ECDSA', hash };
  if (!scheme.startsWith('rsa-pss')) return { name: 'RSASSA-PKCS1-v1_5', hash };
  return { name: 'RSA-PSS', hash, saltLength: Number(hash.slice(4)) / 8 };
}
