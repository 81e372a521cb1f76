import { bits, concat, hex, int, nullElement, oid, seq, set, text, tlv } from '../encodings/der.ts';

import { ed25519Signer } from './signers.ts';
import { numbered, type Draft, type VectorFile } from './vector-file.ts';

/** Certificates (RFC 5280 4), right and wrong, all properly signed by their issuer. */
export function certificates(): VectorFile {
  return {
    type: 'Certificate',
    description: 'X.509 version 3 certificates (RFC 5280 4.1), to be parsed; the issuer signed each of them.',
    notes: {
      NotDer: 'BER, or what no encoding rules allow (X.690 8, 10, 11).',
      Structure: 'Well-formed DER that RFC 5280 does not allow.',
      Lenient: 'What RFC 5280 asks readers to take, though conforming CAs do not write it.',
    },
    keys: { issuer: issuer.privateKey, subject: subject.privateKey },
    tests: numbered([...valid(), ...notDer(), ...wrongStructure()]),
  };
}

const issuer = ed25519Signer(3);
const subject = ed25519Signer(4);
const ed25519 = seq(oid('1.3.101.112'));

function valid(): Draft[] {
  const early = text(0x18, '20260101000000Z');
  const identifiers = concat(hex('81020001'), hex('82020001'), extensions(keyUsage));
  return [
    ['as plain as can be', [], certificate()],
    ['times from 2050 on', [], certificate({ notAfter: text(0x18, '20500101000000Z') })],
    ['GeneralizedTime before 2050', ['Lenient'], certificate({ notBefore: early })],
    ['unique identifiers', ['Lenient'], certificate({ extensions: identifiers })],
    [
      'a serial number of twenty octets',
      [],
      certificate({ serialNumber: int(...Array.from({ length: 20 }, () => 0x7f)) }),
    ],
    ['an empty subject', [], certificate({ subject: seq() })],
    [
      'an extension that nobody knows',
      [],
      certificate({ extensions: extensions(extension('1.2.3.4', hex('0500'))) }),
    ],
  ];
}

function notDer(): Draft[] {
  const sound = certificate();
  const falseWritten = seq(oid('2.5.29.15'), tlv(0x01, hex('00')), tlv(0x04, hex('03020780')));
  const boolean1 = seq(oid('2.5.29.15'), tlv(0x01, hex('01')), tlv(0x04, hex('03020780')));
  return [
    ['an octet after the end', ['NotDer'], concat(sound, hex('00')), 'DER_MALFORMED'],
    ['the last octet cut off', ['NotDer'], sound.subarray(0, -1), 'DER_MALFORMED'],
    wrong('NotDer', 'a serial number with a superfluous zero', { serialNumber: int(0, 0, 5) }),
    wrong('NotDer', 'an empty serial number', { serialNumber: int() }),
    wrong('NotDer', 'a BOOLEAN of 01', { extensions: extensions(boolean1) }),
    wrong('NotDer', 'a FALSE that DER leaves out', { extensions: extensions(falseWritten) }),
    wrong('NotDer', 'invalid UTF-8 in the subject', { subject: commonName(hex('ff')) }),
    wrong('NotDer', 'a UTCTime without seconds', { notBefore: text(0x17, '2601010000Z') }),
    wrong('NotDer', 'a UTCTime with an offset', { notBefore: text(0x17, '260101000000+0000') }),
    wrong('NotDer', '31 April', { notBefore: text(0x17, '260431000000Z') }),
  ];
}

function wrongStructure(): Draft[] {
  const twice = extensions(extension('2.5.29.19', hex('3000')), extension('2.5.29.19', hex('30030101ff')));
  return [
    wrong('Structure', 'version 1 with extensions', { version: new Uint8Array() }),
    wrong('Structure', 'version 5', { version: tlv(0xa0, int(4)) }),
    wrong('Structure', 'a negative serial number', { serialNumber: int(0x80) }),
    wrong('Structure', 'serial number 0', { serialNumber: int(0) }),
    wrong('Structure', 'a serial number of forty octets', {
      serialNumber: int(...Array.from({ length: 40 }, () => 1)),
    }),
    wrong('Structure', 'basicConstraints twice, once with and once without cA', { extensions: twice }),
    wrong('Structure', 'an empty list of extensions', { extensions: tlv(0xa3, seq()) }),
    wrong('Structure', 'another algorithm inside than outside', {
      innerAlgorithm: seq(oid('1.2.840.10045.4.3.2')),
    }),
    wrong('Structure', 'an empty issuer', { issuer: seq() }),
    wrong('Structure', 'a NUL in the subject', { subject: commonName(Buffer.from('alice\0.evil')) }),
    wrong('Structure', 'a validity that ends before it begins', { notAfter: text(0x17, '251231235959Z') }),
    wrong('Structure', 'a field after the signature', { afterSignature: nullElement }),
  ];
}

function wrong(flag: string, comment: string, parts: Parts): Draft {
  return [comment, [flag], certificate(parts), 'DER_MALFORMED'];
}

interface Parts {
  readonly version?: Uint8Array;
  readonly serialNumber?: Uint8Array;
  readonly innerAlgorithm?: Uint8Array;
  readonly issuer?: Uint8Array;
  readonly notBefore?: Uint8Array;
  readonly notAfter?: Uint8Array;
  readonly subject?: Uint8Array;
  readonly extensions?: Uint8Array;
  readonly afterSignature?: Uint8Array;
}

function certificate(parts: Parts = {}): Uint8Array {
  const tbsCertificate = seq(
    parts.version ?? tlv(0xa0, int(2)),
    parts.serialNumber ?? int(1, 2, 3),
    parts.innerAlgorithm ?? ed25519,
    parts.issuer ?? commonName(Buffer.from('Issuer')),
    seq(parts.notBefore ?? text(0x17, '260101000000Z'), parts.notAfter ?? text(0x17, '270101000000Z')),
    parts.subject ?? commonName(Buffer.from('Subject')),
    subject.publicKey,
    parts.extensions ?? extensions(keyUsage),
  );
  return seq(
    tbsCertificate,
    ed25519,
    bits(issuer.signNow(tbsCertificate)),
    parts.afterSignature ?? new Uint8Array(),
  );
}

function extension(id: string, value: Uint8Array): Uint8Array {
  return seq(oid(id), tlv(0x04, value));
}

const keyUsage = extension('2.5.29.15', hex('03020780'));

function extensions(...list: readonly Uint8Array[]): Uint8Array {
  return tlv(0xa3, seq(...list));
}

function commonName(value: Uint8Array): Uint8Array {
  return seq(set(seq(oid('2.5.4.3'), tlv(0x0c, value))));
}
