import { parseCountersignedRequest, parseSignedData } from '@countersign/core';
import { beforeAll, expect, test } from 'vitest';
import {
  attribute,
  attributes,
  contentTypeAttribute,
  digestAttribute,
  forgeForAlice,
  issuerAndSerialNumber,
  nameValuePair,
  pair,
  rightAttributes,
} from './countersignature-forger.ts';
import {
  algorithmNotSupported,
  malformed,
  noSigner,
  schemeNotSupported,
  signatureInvalid,
  wrongContent,
  type Refused,
} from './countersignature-refusal.ts';
import { ascending, der, integer, nullValue, oid, sequence, set, withAppended } from './der.ts';
import { createEnrollment, type Enrollment } from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';
import { refusedByCa } from './refused-by-ca.ts';

let enrollment: Enrollment;

beforeAll(async () => {
  enrollment = await createEnrollment();
});

const refused: readonly Refused[] = [
  {
    because: 'another ContentInfo type',
    change: () => ({ contentInfoType: '1.2.840.113549.1.7.3' }),
    ...malformed,
  },
  {
    because: 'content of another type',
    change: ([, digest, requester]) => ({
      eContentType: '1.2.840.113549.1.9.16.1.4',
      ...attributes(contentTypeAttribute('1.2.840.113549.1.9.16.1.4'), digest, requester),
    }),
    ...wrongContent,
  },
  {
    because: 'nobody signed',
    change: () => ({ signerInfos: () => [] }),
    ...noSigner,
  },
  {
    because: 'two signers',
    change: () => ({ signerInfos: (signerInfo) => [signerInfo, set(integer(1))] }),
    ...malformed,
  },
  {
    because: 'no certificate',
    change: () => ({ certificates: [] }),
    ...malformed,
  },
  {
    because: 'only the certificate of somebody else',
    change: () => ({ certificates: [enrollment.ca.certificate.der] }),
    ...malformed,
  },
  {
    because: 'the certificate twice',
    change: () => ({ certificates: [enrollment.agentCertificate.der, enrollment.agentCertificate.der] }),
    ...malformed,
  },
  {
    because: 'something among the certificates that is none',
    change: () => ({ certificates: [enrollment.agentCertificate.der, sequence(integer(1))] }),
    ...malformed,
  },
  {
    because: 'a signer named by issuer and serial number of another certificate',
    change: () => ({ sid: issuerAndSerialNumber(enrollment.ca.certificate) }),
    ...malformed,
  },
  {
    because: 'a signer named by key identifier',
    change: () => ({ sid: der(0x80, enrollment.agentCertificate.publicKey.keyIdentifier) }),
    ...malformed,
  },
  {
    because: 'digestAlgorithms without that of the signer',
    change: () => ({ digestAlgorithms: [sequence(oid('2.16.840.1.101.3.4.2.2'))] }),
    ...malformed,
  },
  {
    because: 'no digestAlgorithms',
    change: () => ({ digestAlgorithms: [] }),
    ...malformed,
  },
  {
    because: 'a digest algorithm too many',
    change: () => ({
      digestAlgorithms: [sequence(oid('2.16.840.1.101.3.4.2.1')), sequence(oid('2.16.840.1.101.3.4.2.2'))],
    }),
    ...malformed,
  },
  {
    because: 'SHA-1',
    change: () => ({ digestAlgorithm: sequence(oid('1.3.14.3.2.26')) }),
    ...algorithmNotSupported,
  },
  {
    because: 'a digest, right as such, by another hash than the signature is over',
    change: ([type, , requester], content) => ({
      digestAlgorithm: sequence(oid('2.16.840.1.101.3.4.2.2')),
      ...attributes(type, digestAttribute(content, 'sha384'), requester),
    }),
    ...signatureInvalid,
  },
  {
    because: 'parameters in the ECDSA algorithm (RFC 5758 3.2)',
    change: () => ({ signatureAlgorithm: sequence(oid('1.2.840.10045.4.3.2'), nullValue()) }),
    ...algorithmNotSupported,
  },
  {
    because: "a bare hash in place of a signature (the null signature of MS-WCCE 2.2.2.6.5, which is CMC's)",
    change: () => ({ signatureAlgorithm: sequence(oid('2.16.840.1.101.3.4.2.1')) }),
    ...algorithmNotSupported,
  },
  {
    because: 'a signature algorithm of another family of keys',
    change: () => ({ signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.11'), nullValue()) }),
    ...schemeNotSupported,
  },
  {
    because: 'an empty signature',
    change: () => ({ signature: () => new Uint8Array() }),
    ...signatureInvalid,
  },
  {
    because: 'something after the signature inside it',
    change: () => ({ signature: (right) => Uint8Array.from([...right, 0]) }),
    ...signatureInvalid,
  },
  {
    because: 'a signature of zeros',
    change: () => ({ signature: () => sequence(integer(0), integer(0)) }),
    ...signatureInvalid,
  },
  {
    because: 'something after the signers',
    change: () => ({ trailer: set() }),
    ...malformed,
  },
];

test.each(refused)('refused: $because', async ({ change, code, adcs }) => {
  const error = await refusedByCa(enrollment, await forgeForAlice(enrollment, change));
  expect({ code: error.code, adcs: error.adcs }).toEqual({ code, adcs });
});

test.each([
  // 3 is for content other than id-data (RFC 5652 5.1), and for a signer named by key identifier (5.3).
  ['SignedData', [0, 2, 3, 4, 5], (version: number) => ({ version })],
  ['SignerInfo', [0, 2, 3], (signerInfoVersion: number) => ({ signerInfoVersion })],
] as const)('refused: %s of any version but 1', async (_, versions, change) => {
  for (const version of versions) {
    const countersigned = await forgeForAlice(enrollment, () => change(version));
    expect(await refusedByCa(enrollment, countersigned)).toMatchObject(malformed);
  }
});

test.each([
  ['ContentInfo', [0]],
  ['its content', [0, 1]],
  ['SignedData', [0, 1, 0]],
  ['digestAlgorithms', [0, 1, 0, 1]],
  ['encapContentInfo', [0, 1, 0, 2]],
  ['eContent', [0, 1, 0, 2, 1]],
  ['certificates', [0, 1, 0, 3]],
  ['the certificate', [0, 1, 0, 3, 0]],
  ['signerInfos', [0, 1, 0, 4]],
  ['SignerInfo', [0, 1, 0, 4, 0]],
  ['issuerAndSerialNumber', [0, 1, 0, 4, 0, 1]],
  ['digestAlgorithm', [0, 1, 0, 4, 0, 2]],
  ['signatureAlgorithm', [0, 1, 0, 4, 0, 4]],
])('refused: an element more at the end of %s', async (_, path) => {
  const countersigned = await forgeForAlice(enrollment, () => ({}));
  // A tag that sorts behind the others where they make up a SET OF.
  await refusedByCa(enrollment, withAppended(countersigned, path, set(nullValue())));
  await enrollment.ca.issue(countersigned);
});

test('refused: unsigned attributes, which nobody vouches for', async () => {
  const unsigned = der(0xa1, attribute(nameValuePair, pair('requestername', 'CONTOSO\\bob')));
  const countersigned = await forgeForAlice(enrollment, () => ({
    signerInfos: (signerInfo) => [der(0x30, signerInfo.subarray(signerInfo[1] === 0x82 ? 4 : 3), unsigned)],
  }));
  expect((await refusedByCa(enrollment, countersigned)).code).toBe('DER_MALFORMED');
});

test('refused: signed attributes out of order, though the signature was made over them in order', async () => {
  const countersigned = await forgeForAlice(enrollment, () => ({}));
  const { content } = parseSignedData(countersigned);
  const [first = new Uint8Array(), ...rest] = ascending(rightAttributes(content));
  const inOrder = Buffer.concat([first, ...rest]);
  const at = Buffer.from(countersigned).indexOf(inOrder);
  expect(at).toBeGreaterThan(0);
  const outOfOrder = Uint8Array.from(countersigned);
  outOfOrder.set(Buffer.concat([...rest, first]), at);
  expect((await refusedByCa(enrollment, outOfOrder)).code).toBe('DER_MALFORMED');
});

test('refused: a message of more than 256 KiB, before it is read', async () => {
  const error = await refusedByCa(enrollment, new Uint8Array(256 * 1024 + 1));
  expect(error.code).toBe('INPUT_TOO_LARGE');
});

test('refused: nothing at all', async () => {
  expect((await refusedByCa(enrollment, new Uint8Array())).code).toBe('DER_MALFORMED');
  expect((await refusal(() => parseSignedData(new Uint8Array()))).code).toBe('DER_MALFORMED');
  expect((await refusal(() => parseCountersignedRequest(new Uint8Array()))).code).toBe('DER_MALFORMED');
});
