import * as fc from 'fast-check';
import { element, inOrderOfEncoding, sequence, utf8String } from './der.ts';
import { distinguishedName, unicodeText, type DistinguishedName } from './distinguished-names.ts';
import { extensionOids as oids } from './extension-oids.ts';
import { signerFrom, type Signer } from './software-key.ts';
import { byType, hex, type AttributeValues, type ExtensionValues, type RequestValues } from './values.ts';

/** What a certification request is to say. */
export interface RequestCase {
  readonly signer: Signer;
  readonly subject: DistinguishedName;
  readonly userPrincipalNames: readonly string[];
  /** Extensions that no program here knows. */
  readonly extensions: readonly ExtensionValues[];
  readonly attributes: readonly AttributeValues[];
}

export function requestCase(signers: readonly Signer[]): fc.Arbitrary<RequestCase> {
  return fc.record({
    signer: signerFrom(signers),
    subject: distinguishedName({ minLength: 0 }),
    userPrincipalNames: fc.array(userPrincipalName, { maxLength: 2 }),
    extensions: extensions(),
    attributes: fc
      .tuple(
        fc.option(challengePassword),
        fc.uniqueArray(unknownAttribute, { maxLength: 3, selector: byOid }),
      )
      .map(([password, others]) => (password === null ? others : others.concat(password))),
  });
}

/** What every reader must find in the request that was made of a case. */
export function expectedRequest(request: RequestCase): RequestValues {
  const { signer, subject, userPrincipalNames, attributes } = request;
  const subjectAltName = { oid: oids.subjectAltName, critical: false, value: upnNames(userPrincipalNames) };
  return {
    subject,
    publicKey: hex(signer.key.publicKey),
    attributes: byType(attributes),
    extensionRequests:
      userPrincipalNames.length === 0 ? request.extensions : [subjectAltName, ...request.extensions],
    userPrincipalNames,
    verifies: true,
  };
}

/** GeneralNames of otherNames that hold UPNs (MS-WCCE 2.2.2.7.5). */
export function upnNames(userPrincipalNames: readonly string[]): string {
  const typeId = Buffer.from('060a2b060104018237140203', 'hex');
  return hex(
    sequence(...userPrincipalNames.map((upn) => element(0xa0, typeId, element(0xa0, utf8String(upn))))),
  );
}

/** Letters of many scripts, all of the Basic Multilingual Plane; fast-check takes seconds to prepare `\p{L}`. */
export const letters = Array.from('abcxyzABCXYZ0123456789éßñøŁžΩяЖשعनक漢字ひカ한ｆﬁ');

/** Such letters at a domain; no control characters, which no directory stores in a UPN. */
export const userPrincipalName: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...letters),
    fc.string({
      unit: fc.constantFrom(...letters, '\u{1f600}', '\u{20000}', '.', '_', "'", '+', '-'),
      maxLength: 30,
    }),
    fc.stringMatching(/^[a-z0-9]{1,12}\.example$/),
  )
  .map(([first, others, domain]) => `${first}${others}@${domain}`);

export function extensions(): fc.Arbitrary<ExtensionValues[]> {
  const extension = fc.record({
    oid: unknownOid('1.3.6.1.4.1.55555.1'),
    critical: fc.boolean(),
    value: anyElement.map(hex),
  });
  return fc.uniqueArray(extension, { maxLength: 4, selector: ({ oid }) => oid });
}

/** A well-formed element of some type, from a few octets to more than one length octet can tell. */
const anyElement: fc.Arbitrary<Uint8Array<ArrayBuffer>> = fc.oneof(
  unicodeText(40).map(utf8String),
  fc.uint8Array({ maxLength: 300 }).map((contents) => element(0x04, contents)),
  fc.integer({ min: 0, max: 127 }).map((value) => element(0x02, Uint8Array.of(value))),
  fc.uint8Array({ maxLength: 120 }).map((contents) => element(0x30, element(0x04, contents), element(0x05))),
);

/** PKCS #9 challengePassword (RFC 2985 5.4.1), single-valued. */
const challengePassword: fc.Arbitrary<AttributeValues> = unicodeText(40).map((password) => ({
  type: '1.2.840.113549.1.9.7',
  values: [hex(utf8String(password))],
}));

const unknownAttribute: fc.Arbitrary<AttributeValues> = fc.record({
  type: unknownOid('1.3.6.1.4.1.55555.2'),
  values: fc
    .uniqueArray(anyElement, { minLength: 1, maxLength: 3, selector: hex })
    .map((values) => inOrderOfEncoding(values).map(hex)),
});

function unknownOid(arc: string): fc.Arbitrary<string> {
  return fc.nat({ max: 0x7fffffff }).map((number) => `${arc}.${number}`);
}

function byOid({ type }: AttributeValues): string {
  return type;
}
