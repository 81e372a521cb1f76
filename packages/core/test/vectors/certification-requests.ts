import {
  createCertificationRequest,
  Name,
  subjectAltName,
  userPrincipalName,
  type CertificationRequestFields,
} from '@countersign/core';
import { bits, concat, hex, int, nullElement, oid, seq, set, text, tlv } from '../encodings/der.ts';
import { ed25519Signer } from './signers.ts';
import { numbered, type Draft, type VectorFile } from './vector-file.ts';

/** PKCS#10 requests (RFC 2986), right and wrong; all but the wrong signatures are made by the key inside. */
export async function certificationRequests(): Promise<VectorFile> {
  return {
    type: 'CertificationRequest',
    description: 'PKCS#10 certification requests (RFC 2986), with their proof of possession.',
    notes: {
      NotDer: 'BER, or what no encoding rules allow (X.690 10, 11).',
      Signature: 'The proof of possession is missing, altered, or by another key.',
      Key: 'The public key is not a sound one.',
      Structure: 'Well-formed DER that RFC 2986 or RFC 5280 does not allow.',
      Wish: 'Asks for things that a CA does not take from a request: valid as a request.',
    },
    keys: { subject: subject.privateKey, other: other.privateKey },
    tests: numbered([
      ...(await valid()),
      ...notDer(),
      ...wrongSignature(),
      ...wrongKey(),
      ...wrongStructure(),
    ]),
  };
}

const subject = ed25519Signer(1);
const other = ed25519Signer(2);

async function valid(): Promise<Draft[]> {
  const upn = subjectAltName([userPrincipalName('alice@contoso.test')]);
  const ca = { oid: '2.5.29.19', critical: true, value: hex('30030101ff') };
  return [
    ['no subject, no attributes', [], await make({})],
    ['a subject', [], await make({ subject: Name.fromString('CN=Alice,OU=Users,DC=contoso,DC=test') })],
    ['a subject outside ASCII', [], await make({ subject: Name.fromString('CN=Zoë 日本 😀') })],
    ['a multi-valued RDN', [], await make({ subject: Name.fromString('CN=Alice+UID=a1,O=Contoso') })],
    ['a user principal name in the SAN', ['Wish'], await make({ extensionRequests: [upn] })],
    ['asks to be a CA', ['Wish'], await make({ extensionRequests: [ca] })],
    [
      'a challengePassword',
      [],
      request({ attributes: [attribute('1.2.840.113549.1.9.7', text(0x0c, 'secret'))] }),
    ],
    ['an attribute with two values', [], request({ attributes: [attribute('1.2.3.4', int(1), int(2))] })],
  ];
}

function make(fields: CertificationRequestFields): Promise<Uint8Array> {
  return createCertificationRequest(subject, fields);
}

function notDer(): Draft[] {
  const sound = request();
  const indefinite = concat(hex('3080'), sound.subarray(2), hex('0000'));
  const longLength = concat(hex('3081'), sound.subarray(1));
  return [
    ['nothing', ['NotDer'], new Uint8Array(), 'DER_MALFORMED'],
    ['the last octet cut off', ['NotDer'], sound.subarray(0, -1), 'DER_MALFORMED'],
    ['an octet after the end', ['NotDer'], concat(sound, hex('00')), 'DER_MALFORMED'],
    ['an indefinite length', ['NotDer'], indefinite, 'DER_MALFORMED'],
    ['a length in the long form that fits the short one', ['NotDer'], longLength, 'DER_MALFORMED'],
    ['a version of two octets', ['NotDer'], request({ version: int(0, 0) }), 'DER_MALFORMED'],
    ['an empty version', ['NotDer'], request({ version: int() }), 'DER_MALFORMED'],
    [
      'attributes out of order',
      ['NotDer'],
      request({ attributes: [attribute('1.2.3.5', int(1)), attribute('1.2.3.4', int(1))] }),
      'DER_MALFORMED',
    ],
    [
      'an OID with a superfluous 80',
      ['NotDer'],
      request({ attributes: [seq(hex('06042a038004'), set(int(1)))] }),
      'DER_MALFORMED',
    ],
    [
      'elements nested 10,000 deep',
      ['NotDer'],
      request({ attributes: [attribute('1.2.3.4', nested(10_000))] }),
      'DER_MALFORMED',
    ],
  ];
}

function wrongSignature(): Draft[] {
  const info = requestInfo();
  const signature = subject.signNow(info);
  const flipped = signature.with(0, (signature[0] ?? 0) ^ 1);
  const sha1 = seq(oid('1.2.840.113549.1.1.5'), nullElement);
  const md5 = seq(oid('1.2.840.113549.1.1.4'), nullElement);
  return [
    ['a bit of the signature flipped', ['Signature'], assemble(info, flipped), 'PROOF_OF_POSSESSION_INVALID'],
    [
      'signed by another key',
      ['Signature'],
      assemble(info, other.signNow(info)),
      'PROOF_OF_POSSESSION_INVALID',
    ],
    [
      'a signature of zeros',
      ['Signature'],
      assemble(info, new Uint8Array(64)),
      'PROOF_OF_POSSESSION_INVALID',
    ],
    ['an empty signature', ['Signature'], assemble(info, new Uint8Array()), 'PROOF_OF_POSSESSION_INVALID'],
    [
      'a signature one octet short',
      ['Signature'],
      assemble(info, signature.subarray(1)),
      'PROOF_OF_POSSESSION_INVALID',
    ],
    [
      'the subject altered after signing',
      ['Signature'],
      assemble(requestInfo({ subject: commonName('Mallory') }), signature),
      'PROOF_OF_POSSESSION_INVALID',
    ],
    [
      'the hash in place of a signature',
      ['Signature'],
      assemble(info, signature, seq(oid('2.16.840.1.101.3.4.2.1'))),
      'ALGORITHM_NOT_SUPPORTED',
    ],
    ['SHA-1', ['Signature'], assemble(info, signature, sha1), 'ALGORITHM_NOT_SUPPORTED'],
    ['MD5', ['Signature'], assemble(info, signature, md5), 'ALGORITHM_NOT_SUPPORTED'],
    [
      'ECDSA claimed over an Ed25519 key',
      ['Signature'],
      assemble(info, signature, seq(oid('1.2.840.10045.4.3.2'))),
      'SCHEME_NOT_SUPPORTED',
    ],
    [
      'parameters after the OID of Ed25519',
      ['Signature'],
      assemble(info, signature, seq(oid('1.3.101.112'), nullElement)),
      'ALGORITHM_NOT_SUPPORTED',
    ],
  ];
}

function wrongKey(): Draft[] {
  const modulus = concat(hex('00'), new Uint8Array(256).fill(0xd5));
  const explicit = seq(seq(oid('1.2.840.10045.2.1'), seq(int(1))), bits(hex('04')));
  return [
    [
      'a point off the curve',
      ['Key'],
      withKey(onP256(concat(hex('04'), new Uint8Array(64).fill(1)))),
      'KEY_POINT_INVALID',
    ],
    ['the point at infinity', ['Key'], withKey(onP256(hex('00'))), 'KEY_POINT_INVALID'],
    [
      'a compressed point',
      ['Key'],
      withKey(onP256(concat(hex('02'), new Uint8Array(32).fill(1)))),
      'KEY_POINT_INVALID',
    ],
    ['explicit curve parameters', ['Key'], withKey(explicit), 'KEY_CURVE_NOT_NAMED'],
    ['RSA with e = 1', ['Key'], withKey(rsaKey(modulus, 1)), 'KEY_EXPONENT_NOT_ACCEPTABLE'],
    ['RSA with e = 3', ['Key'], withKey(rsaKey(modulus, 3)), 'KEY_EXPONENT_NOT_ACCEPTABLE'],
    [
      'RSA with 1024 bits',
      ['Key'],
      withKey(rsaKey(concat(hex('00'), new Uint8Array(128).fill(0xd5)), 1, 0, 1)),
      'KEY_NOT_ACCEPTABLE',
    ],
    [
      'RSA with an even modulus',
      ['Key'],
      withKey(rsaKey(modulus.with(256, 0xd4), 1, 0, 1)),
      'KEY_NOT_ACCEPTABLE',
    ],
    [
      'an Ed25519 point of small order',
      ['Key'],
      withKey(seq(seq(oid('1.3.101.112')), bits(new Uint8Array(32)))),
      'KEY_POINT_INVALID',
    ],
    [
      'a DSA key',
      ['Key'],
      withKey(seq(seq(oid('1.2.840.10040.4.1')), bits(hex('020101')))),
      'ALGORITHM_NOT_SUPPORTED',
    ],
  ];
}

function onP256(point: Uint8Array): Uint8Array {
  return seq(seq(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')), bits(point));
}

function rsaKey(modulus: Uint8Array, ...exponent: number[]): Uint8Array {
  return seq(seq(oid('1.2.840.113549.1.1.1'), nullElement), bits(seq(tlv(0x02, modulus), int(...exponent))));
}

function withKey(publicKey: Uint8Array): Uint8Array {
  return request({ publicKey });
}

function wrongStructure(): Draft[] {
  const extension = seq(oid('2.5.29.15'), tlv(0x04, hex('03020780')));
  const extensionRequest = (...extensions: Uint8Array[]): Uint8Array =>
    attribute('1.2.840.113549.1.9.14', seq(...extensions));
  const microsoft = attribute('1.3.6.1.4.1.311.2.1.14', seq(extension));
  const withAttributes = (...attributes: Uint8Array[]): Uint8Array => request({ attributes });
  return [
    ['version 1', ['Structure'], request({ version: int(1) }), 'DER_MALFORMED'],
    ['no attributes field', ['Structure'], signed(seq(int(0), seq(), subject.publicKey)), 'DER_MALFORMED'],
    [
      'two lists of requested extensions',
      ['Structure'],
      withAttributes(microsoft, extensionRequest(extension)),
      'DER_MALFORMED',
    ],
    [
      'a list of requested extensions with one twice',
      ['Structure'],
      withAttributes(extensionRequest(extension, extension)),
      'DER_MALFORMED',
    ],
    [
      'an empty list of requested extensions',
      ['Structure'],
      withAttributes(extensionRequest()),
      'DER_MALFORMED',
    ],
    ['an attribute without values', ['Structure'], withAttributes(attribute('1.2.3.4')), 'DER_MALFORMED'],
    [
      'a NUL in the subject',
      ['Structure'],
      request({ subject: commonName('alice\0.evil') }),
      'DER_MALFORMED',
    ],
  ];
}

interface Parts {
  readonly version?: Uint8Array;
  readonly subject?: Uint8Array;
  readonly publicKey?: Uint8Array;
  /** In the order given. */
  readonly attributes?: readonly Uint8Array[];
}

function request(parts: Parts = {}): Uint8Array {
  return signed(requestInfo(parts));
}

function requestInfo(parts: Parts = {}): Uint8Array {
  const {
    version = int(0),
    subject: name = commonName('Alice'),
    publicKey = subject.publicKey,
    attributes = [],
  } = parts;
  return seq(version, name, publicKey, tlv(0xa0, ...attributes));
}

function signed(info: Uint8Array): Uint8Array {
  return assemble(info, subject.signNow(info));
}

function assemble(info: Uint8Array, signature: Uint8Array, algorithm = seq(oid('1.3.101.112'))): Uint8Array {
  return seq(info, algorithm, bits(signature));
}

function attribute(type: string, ...values: readonly Uint8Array[]): Uint8Array {
  return seq(oid(type), set(...values));
}

function commonName(value: string): Uint8Array {
  return seq(set(seq(oid('2.5.4.3'), text(0x0c, value))));
}

function nested(levels: number): Uint8Array {
  let element: Uint8Array = nullElement;
  for (let level = 0; level < levels; level++) element = seq(element);
  return element;
}
