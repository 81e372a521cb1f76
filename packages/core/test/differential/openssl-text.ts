import { dottedOid } from './openssl-asn1parse.ts';
import type { keyUsageNames } from './extension-oids.ts';
import { said, saidTogether, type ExtensionMeaning } from './values.ts';

/** Reading what `-text` prints of the extensions of one certificate, request or CRL. */

export function extensionMeaningIn(text: string): ExtensionMeaning {
  const read = (title: string, say: (value: string) => ExtensionMeaning): ExtensionMeaning =>
    said(extensionText(text, title), say);
  return saidTogether([
    read('X509v3 Key Usage', (usages) => ({ keyUsage: keyUsageOf(usages) })),
    read('X509v3 Extended Key Usage', (purposes) => ({ extKeyUsage: purposes.split(', ').map(dottedOid) })),
    read('X509v3 Basic Constraints', (constraints) => ({
      basicConstraints: basicConstraintsOf(constraints),
    })),
    read('X509v3 Subject Alternative Name', (names) => ({
      userPrincipalNames: userPrincipalNamesIn(names),
      dNSNames: Array.from(names.matchAll(/DNS:([^,]*)/g), ([, name = '']) => name),
    })),
    read('X509v3 Subject Key Identifier', (octets) => ({ subjectKeyIdentifier: octetsOf(octets) })),
    read('X509v3 Authority Key Identifier', (octets) => ({ authorityKeyIdentifier: octetsOf(octets) })),
    read('X509v3 CRL Distribution Points', (points) => ({ crlUris: urisIn(points) })),
    read('Authority Information Access', (access) => ({ caIssuersUris: urisIn(access, 'CA Issuers - ') })),
  ]);
}

/** `othername: UPN::alice@contoso.example, DNS:…`; the cases have no comma in a UPN. */
export function userPrincipalNamesIn(text: string): string[] {
  return Array.from(text.matchAll(/othername: UPN::([^,\n]*)/g), ([, upn = '']) => upn);
}

/** A positive number as OpenSSL prints it, decimal or hexadecimal, as the contents of an INTEGER. */
export function integerHex(text: string): string {
  const digits = BigInt(text).toString(16);
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  return Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even;
}

/** The lines under an extension's title: those that are indented further than it. */
function extensionText(text: string, title: string): string | undefined {
  const [, indentation, rest = ''] = new RegExp(`^( +)${title}: .*\n((?:\\1 +.*\n)*)`, 'm').exec(text) ?? [];
  return indentation === undefined ? undefined : rest.replaceAll(/^ +/gm, '').trim();
}

function keyUsageOf(text: string): string[] {
  const printed: ReadonlyMap<string, (typeof keyUsageNames)[number]> = new Map([
    ['Digital Signature', 'digitalSignature'],
    ['Non Repudiation', 'nonRepudiation'],
    ['Key Encipherment', 'keyEncipherment'],
    ['Data Encipherment', 'dataEncipherment'],
    ['Key Agreement', 'keyAgreement'],
    ['Certificate Sign', 'keyCertSign'],
    ['CRL Sign', 'cRLSign'],
    ['Encipher Only', 'encipherOnly'],
    ['Decipher Only', 'decipherOnly'],
  ]);
  return text.split(', ').map((name) => printed.get(name) ?? name);
}

function basicConstraintsOf(text: string): { cA: boolean; pathLenConstraint?: number } {
  const pathLength = /pathlen:(\d+)/.exec(text)?.[1];
  return {
    cA: text.includes('CA:TRUE'),
    ...(pathLength === undefined ? {} : { pathLenConstraint: Number(pathLength) }),
  };
}

function octetsOf(text: string): string {
  return text.replace('keyid:', '').replaceAll(':', '').toLowerCase();
}

function urisIn(text: string, prefix = ''): string[] {
  return Array.from(text.matchAll(new RegExp(`^${prefix}URI:(.*)$`, 'gm')), ([, uri = '']) => uri);
}
