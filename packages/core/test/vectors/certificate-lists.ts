import { bits, concat, hex, int, oid, seq, set, text, tlv } from '../encodings/der.ts';
import { ed25519Signer } from './signers.ts';
import { numbered, type Draft, type VectorFile } from './vector-file.ts';

/** CRLs (RFC 5280 5), right and wrong, all properly signed by their issuer; to be parsed, entries and all. */
export function certificateLists(): VectorFile {
  return {
    type: 'CertificateList',
    description: 'CRLs (RFC 5280 5), to be parsed with their entries; the issuer signed each of them.',
    notes: {
      NotDer: 'BER, or what no encoding rules allow (X.690 8, 10, 11).',
      Structure: 'Well-formed DER that RFC 5280 does not allow.',
      Entry: 'It is an entry that is wrong; RFC 5280 5.3 forbids using such a list.',
    },
    keys: { issuer: issuer.privateKey },
    tests: numbered([...valid(), ...invalid()]),
  };
}

const issuer = ed25519Signer(3);
const ed25519 = seq(oid('1.3.101.112'));

function valid(): Draft[] {
  return [
    ['nothing revoked', [], list()],
    ['one revoked, without a reason', [], list({ revoked: [entry(int(5))] })],
    [
      'one revoked for each reason',
      [],
      list({ revoked: [1, 2, 3, 4, 5, 6, 9, 10].map((code) => entry(int(code), reason(code))) }),
    ],
    [
      'version 1',
      [],
      list({ version: new Uint8Array(), extensions: new Uint8Array(), revoked: [entry(int(5))] }),
    ],
    [
      'times from 2050 on',
      [],
      list({ thisUpdate: text(0x18, '20500101000000Z'), nextUpdate: text(0x18, '20500108000000Z') }),
    ],
  ];
}

function invalid(): Draft[] {
  const sound = list({ revoked: [entry(int(5))] });
  const wrong = (comment: string, flags: string[], parts: Parts): Draft => [
    comment,
    flags,
    list(parts),
    'DER_MALFORMED',
  ];
  const unknown = seq(seq(oid('1.2.3.4'), tlv(0x01, hex('ff')), tlv(0x04, hex('0500'))));
  return [
    ['an octet after the end', ['NotDer'], concat(sound, hex('00')), 'DER_MALFORMED'],
    ['the last octet cut off', ['NotDer'], sound.subarray(0, -1), 'DER_MALFORMED'],
    wrong('an empty list of revoked certificates', ['Structure'], { revoked: [], writeEmpty: true }),
    wrong('version 1 with extensions', ['Structure'], { version: new Uint8Array() }),
    wrong('version 3', ['Structure'], { version: int(2) }),
    wrong('an empty issuer', ['Structure'], { issuer: seq() }),
    wrong('another algorithm inside than outside', ['Structure'], {
      innerAlgorithm: seq(oid('1.2.840.10045.4.3.2')),
    }),
    wrong('an unknown critical extension of an entry', ['Entry'], { revoked: [entry(int(5), unknown)] }),
    wrong('an empty list of extensions of an entry', ['Entry'], { revoked: [entry(int(5), seq())] }),
    wrong('a reason that does not exist', ['Entry'], {
      revoked: [entry(int(5), seq(extension('2.5.29.21', hex('0a0107'))))],
    }),
    wrong('a serial number that is not minimal', ['Entry', 'NotDer'], { revoked: [entry(int(0, 5))] }),
  ];
}

interface Parts {
  readonly version?: Uint8Array;
  readonly innerAlgorithm?: Uint8Array;
  readonly issuer?: Uint8Array;
  readonly thisUpdate?: Uint8Array;
  readonly nextUpdate?: Uint8Array;
  readonly revoked?: readonly Uint8Array[];
  readonly writeEmpty?: boolean;
  readonly extensions?: Uint8Array;
}

function list(parts: Parts = {}): Uint8Array {
  const { revoked = [], writeEmpty = false } = parts;
  const tbsCertList = seq(
    parts.version ?? int(1),
    parts.innerAlgorithm ?? ed25519,
    parts.issuer ?? seq(set(seq(oid('2.5.4.3'), text(0x0c, 'Issuer')))),
    parts.thisUpdate ?? text(0x17, '260101000000Z'),
    parts.nextUpdate ?? text(0x17, '260108000000Z'),
    revoked.length > 0 || writeEmpty ? seq(...revoked) : new Uint8Array(),
    parts.extensions ?? tlv(0xa0, seq(extension('2.5.29.20', int(7)))),
  );
  return seq(tbsCertList, ed25519, bits(issuer.signNow(tbsCertList)));
}

function entry(serialNumber: Uint8Array, extensions: Uint8Array = new Uint8Array()): Uint8Array {
  return seq(serialNumber, text(0x17, '251224180000Z'), extensions);
}

function reason(code: number): Uint8Array {
  return seq(extension('2.5.29.21', hex(`0a01${code.toString(16).padStart(2, '0')}`)));
}

function extension(id: string, value: Uint8Array): Uint8Array {
  return seq(oid(id), tlv(0x04, value));
}
