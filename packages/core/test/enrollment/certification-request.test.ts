import {
  CertificationRequest,
  createCertificationRequest,
  Name,
  schemesOf,
  subjectAltName,
  userPrincipalName,
  type KeyAlgorithm,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { ascending, der, descend, hex, integer, nullValue, octets, oid, sequence, set } from './der.ts';
import { requestWith, type RequestParts } from './handmade-request.ts';
import { refusal } from './refusal.ts';
import { softwareKey } from './software-key.ts';

test.each<[KeyAlgorithm]>([['p256'], ['p384'], ['p521'], ['rsa2048'], ['ed25519']])(
  'a %s request holds its key, its name, its wishes, and a signature of any scheme',
  async (algorithm) => {
    const key = await softwareKey(algorithm);
    const subject = Name.fromString('CN=Alice,O=Contoso');
    const extensionRequests = [subjectAltName([userPrincipalName('alice@contoso.example')])];
    for (const scheme of schemesOf(algorithm)) {
      const whole = await createCertificationRequest(key, { subject, extensionRequests, scheme });
      const request = CertificationRequest.parse(whole);
      request.verifyProofOfPossession();
      expect(request.scheme).toBe(scheme);
      expect(hex(request.der)).toBe(hex(whole));
      expect(request.subject.toString()).toBe('CN=Alice,O=Contoso');
      expect(hex(request.publicKey.subjectPublicKeyInfo)).toBe(hex(key.publicKey));
      expect(request.userPrincipalNames).toEqual(['alice@contoso.example']);
      expect(hex(request.certificationRequestInfo)).toBe(hex(descend(whole, [0, 0]).whole));
      expect(hex(request.signature)).toBe(hex(descend(whole, [0, 2]).contents.subarray(1)));
    }
  },
);

test('without fields, a request has an empty subject and an empty set of attributes (RFC 2986 4.1)', async () => {
  const key = await softwareKey('p256');
  const whole = await createCertificationRequest(key);
  expect(hex(descend(whole, [0, 0]).whole)).toBe(
    hex(sequence(integer(0), sequence(), key.publicKey, der(0xa0))),
  );
  const request = CertificationRequest.parse(whole);
  expect(request.subject.isEmpty).toBe(true);
  expect([request.attributes, request.extensionRequests, request.userPrincipalNames]).toEqual([[], [], []]);
});

test('a signature by another key is no proof of possession', async () => {
  const [key, other] = [await softwareKey('p256'), await softwareKey('p256')];
  const request = CertificationRequest.parse(
    await createCertificationRequest({ ...other, publicKey: key.publicKey }),
  );
  const error = await refusal(() => request.verifyProofOfPossession());
  expect(error.code).toBe('PROOF_OF_POSSESSION_INVALID');
  expect(error.adcs).toEqual({ symbol: 'NTE_BAD_SIGNATURE', hresult: 0x80090006 });
});

test("another's signature under one's own name is no proof either: the key stands inside it", async () => {
  const [key, victim] = [await softwareKey('p256'), await softwareKey('p256')];
  const theirs = await createCertificationRequest(victim);
  const mine = await createCertificationRequest(key);
  const [, , signature] = [0, 1, 2].map((i) => descend(theirs, [0, i]).whole);
  const swapped = sequence(
    descend(mine, [0, 0]).whole,
    descend(mine, [0, 1]).whole,
    signature ?? new Uint8Array(),
  );
  const error = await refusal(() => CertificationRequest.parse(swapped).verifyProofOfPossession());
  expect(error.code).toBe('PROOF_OF_POSSESSION_INVALID');
});

const extension = sequence(oid('2.5.29.37'), octets(sequence(oid('1.3.6.1.5.5.7.3.2'))));
const extensionRequest = '1.2.840.113549.1.9.14';
const microsoftExtensionRequest = '1.3.6.1.4.1.311.2.1.14';

function attributesOf(
  ...attributes: readonly [type: string, ...values: readonly Uint8Array[]][]
): Uint8Array {
  return der(
    0xa0,
    ...ascending(attributes.map(([type, ...values]) => sequence(oid(type), set(...ascending(values))))),
  );
}

test('requested extensions are found in either attribute', async () => {
  for (const type of [extensionRequest, microsoftExtensionRequest]) {
    const whole = await requestWith({ attributes: attributesOf([type, sequence(extension)]) });
    const request = CertificationRequest.parse(whole);
    request.verifyProofOfPossession();
    expect(request.attributes.map((carried) => carried.type)).toEqual([type]);
    expect(request.extensionRequests.map(({ oid: id, critical }) => [id, critical])).toEqual([
      ['2.5.29.37', false],
    ]);
  }
});

test.each<[string, RequestParts]>([
  ['version 1', { version: integer(1) }],
  ['a negative version', { version: integer(255) }],
  ['no attributes at all', { attributes: new Uint8Array() }],
  ['an attribute without a value', { attributes: attributesOf(['1.2.3']) }],
  [
    'attributes out of order',
    { attributes: der(0xa0, ...ascending([attribute(1), attribute(2)]).toReversed()) },
  ],
  ['an attribute twice over', { attributes: der(0xa0, attribute(1), attribute(1)) }],
  [
    'two lists of requested extensions, one in each attribute',
    {
      attributes: attributesOf(
        [extensionRequest, sequence(extension)],
        [microsoftExtensionRequest, sequence(extension)],
      ),
    },
  ],
  [
    'two lists in one attribute',
    {
      attributes: attributesOf([extensionRequest, sequence(extension), sequence(extension, extensionOf(9))]),
    },
  ],
  ['an empty list of requested extensions', { attributes: attributesOf([extensionRequest, sequence()]) }],
  [
    'the same extension requested twice',
    { attributes: attributesOf([extensionRequest, sequence(extension, extension)]) },
  ],
  ['something after the attributes', { trailer: nullValue() }],
  ['a subject that is no name', { subject: sequence(nullValue()) }],
])('a request with %s is refused, though its key signed it', async (_, parts) => {
  const whole = await requestWith(parts);
  const error = await refusal(() => CertificationRequest.parse(whole));
  expect(error.code).toBe('DER_MALFORMED');
  expect(error.adcs).toEqual({ symbol: 'ERROR_INVALID_DATA', hresult: 0x8007000d });
});

test('a subject alternative name that cannot be read is refused when it is asked for', async () => {
  const san = sequence(oid('2.5.29.17'), octets(sequence()));
  const request = CertificationRequest.parse(
    await requestWith({ attributes: attributesOf([extensionRequest, sequence(san)]) }),
  );
  expect((await refusal(() => request.userPrincipalNames)).code).toBe('DER_MALFORMED');
});

function attribute(value: number): Uint8Array {
  return sequence(oid('1.2.3'), set(integer(value)));
}

function extensionOf(arc: number): Uint8Array {
  return sequence(oid(`1.2.${arc}`), octets(nullValue()));
}
