import { createHash } from 'node:crypto';
import {
  Certificate,
  CertificationRequest,
  createCertificationRequest,
  createCountersignedRequest,
} from '@countersign/core';
import { bits, concat, hex, int, nullElement, oid, seq, set, text, tlv } from '../encodings/der.ts';
import { ed25519Signer, rsaSigner } from './signers.ts';
import { numbered, type Draft, type VectorFile } from './vector-file.ts';

export const countersignedRequestsFile = 'countersigned-requests.json';

/** Requests on behalf of a user (MS-WCCE 3.1.1.4.3.3.2): CMS around PKCS#10, signed by an enrollment agent with RSA. */
export async function countersignedRequests(): Promise<VectorFile> {
  const request = await createCertificationRequest(user);
  const at = new Date('2026-03-04T05:06:07Z');
  const made = await createCountersignedRequest(
    agent,
    'rsa-pkcs1-sha256',
    Certificate.parse(agentCertificate),
    CertificationRequest.parse(request),
    String.raw`CONTOSO\alice`,
    at,
  );
  return {
    type: 'CountersignedRequest',
    description:
      'Certification requests countersigned by an enrollment agent: to be parsed, the countersignature and the proof of possession to be verified. Whether the agent may be trusted is another matter.',
    notes: {
      NotDer: 'BER, or what no encoding rules allow (X.690 10, 11).',
      Signature: 'The countersignature does not hold.',
      Structure: 'Well-formed DER that RFC 5652 or MS-WCCE does not allow.',
      Foreign: 'As other writers have it: accepted.',
    },
    keys: { agent: agent.privateKey, issuer: issuer.privateKey, user: user.privateKey },
    tests: numbered([['as Countersign writes it', [], made], ...foreign(request), ...wrong(request, made)]),
  };
}

const user = ed25519Signer(5);
const issuer = ed25519Signer(6);
const agent = rsaSigner(countersignedRequestsFile, 'agent');
const agentCertificate = agentsCertificate();

function foreign(request: Uint8Array): Draft[] {
  return [
    ['without a signing time', ['Foreign'], message(request)],
    [
      'strings with the terminators of C',
      ['Foreign'],
      message(request, { requester: [pair('requestername\0', 'CONTOSO\\alice\0')] }),
    ],
    [
      'a SEQUENCE OF pairs',
      ['Foreign'],
      message(request, { requester: [seq(pair('requestername', 'CONTOSO\\alice'))] }),
    ],
    [
      'digest algorithm with NULL',
      ['Foreign'],
      message(request, { digestAlgorithm: seq(oid(sha256), nullElement) }),
    ],
  ];
}

function wrong(request: Uint8Array, made: Uint8Array): Draft[] {
  const mismatch = 'REQUESTER_MISMATCH';
  const other = pair('requestername', 'CONTOSO\\bob');
  const alice = pair('requestername', 'CONTOSO\\alice');
  const flipped = made.with(made.length - 1, (made.at(-1) ?? 0) ^ 1);
  return [
    ['a plain request', ['Structure'], request, 'REQUEST_NOT_COUNTERSIGNED'],
    ['an octet after the end', ['NotDer'], concat(made, hex('00')), 'DER_MALFORMED'],
    ['the last octet cut off', ['NotDer'], made.subarray(0, -1), 'DER_MALFORMED'],
    ['a bit of the signature flipped', ['Signature'], flipped, 'SIGNATURE_INVALID'],
    [
      'another request put inside',
      ['Signature'],
      message(request, { content: otherRequest() }),
      'SIGNATURE_INVALID',
    ],
    [
      'another content type signed',
      ['Signature'],
      message(request, { signedContentType: '1.2.3' }),
      'SIGNATURE_INVALID',
    ],
    ['no requester', ['Structure'], message(request, { requester: [pair('machine', 'PC1')] }), mismatch],
    ['two requesters', ['Structure'], message(request, { requester: [alice, other] }), mismatch],
    [
      'SHA-1',
      ['Signature'],
      message(request, { digestAlgorithm: seq(oid('1.3.14.3.2.26')) }),
      'ALGORITHM_NOT_SUPPORTED',
    ],
    [
      'SignedData of version 3 around id-data',
      ['Structure'],
      message(request, { version: 3 }),
      'DER_MALFORMED',
    ],
    ['two signers', ['Structure'], message(request, { signers: 2 }), 'DER_MALFORMED'],
    ['no signer', ['Structure'], message(request, { signers: 0 }), 'REQUEST_NOT_COUNTERSIGNED'],
    [
      'the certificate of the agent left out',
      ['Structure'],
      message(request, { certificates: [] }),
      'DER_MALFORMED',
    ],
  ];
}

interface Parts {
  readonly version?: number;
  readonly content?: Uint8Array;
  readonly signedContentType?: string;
  readonly requester?: readonly Uint8Array[];
  readonly digestAlgorithm?: Uint8Array;
  readonly signers?: 0 | 1 | 2;
  readonly certificates?: readonly Uint8Array[];
}

const sha256 = '2.16.840.1.101.3.4.2.1';
const data = '1.2.840.113549.1.7.1';

/** By the letter of RFC 5652 5, but for what is asked for. */
function message(request: Uint8Array, parts: Parts = {}): Uint8Array {
  const { version = 1, content = request, signers = 1, certificates = [agentCertificate] } = parts;
  const { digestAlgorithm = seq(oid(sha256)) } = parts;
  const signerInfos = Array.from({ length: signers }, (_, i) => signerInfo(request, parts, i));
  const signedData = seq(
    int(version),
    set(...(signers === 0 ? [] : [digestAlgorithm])),
    seq(oid(data), tlv(0xa0, tlv(0x04, content))),
    certificates.length === 0 ? new Uint8Array() : tlv(0xa0, ...certificates),
    set(...inOrder(signerInfos)),
  );
  return seq(oid('1.2.840.113549.1.7.2'), tlv(0xa0, signedData));
}

function signerInfo(request: Uint8Array, parts: Parts, number: number): Uint8Array {
  const { signedContentType = data, digestAlgorithm = seq(oid(sha256)) } = parts;
  const { requester = [pair('requestername', 'CONTOSO\\alice')] } = parts;
  const digest = createHash('sha256').update(request).digest();
  const attributes = inOrder([
    seq(oid('1.2.840.113549.1.9.3'), set(oid(signedContentType))),
    seq(oid('1.2.840.113549.1.9.4'), set(tlv(0x04, digest))),
    seq(oid('1.3.6.1.4.1.311.13.2.1'), set(...inOrder(requester))),
    // What tells a second signer from the first.
    ...(number === 0 ? [] : [seq(oid('1.2.3.4'), set(int(number)))]),
  ]);
  const { issuer: issuerName, serialNumberOctets } = Certificate.parse(agentCertificate);
  return seq(
    int(1),
    seq(issuerName.der, tlv(0x02, serialNumberOctets)),
    digestAlgorithm,
    tlv(0xa0, ...attributes),
    seq(oid('1.2.840.113549.1.1.11'), nullElement),
    tlv(0x04, agent.signNow(set(...attributes))),
  );
}

function agentsCertificate(): Uint8Array {
  const ed25519 = seq(oid('1.3.101.112'));
  const tbsCertificate = seq(
    tlv(0xa0, int(2)),
    int(1, 2, 3),
    ed25519,
    commonName('Contoso CA'),
    seq(text(0x17, '260101000000Z'), text(0x17, '280101000000Z')),
    commonName('Contoso RA'),
    agent.publicKey,
    tlv(
      0xa3,
      seq(
        extension('2.5.29.15', hex('03020780')),
        extension('2.5.29.37', seq(oid('1.3.6.1.4.1.311.20.2.1'))),
      ),
    ),
  );
  return seq(tbsCertificate, ed25519, bits(issuer.signNow(tbsCertificate)));
}

function otherRequest(): Uint8Array {
  const mallory = ed25519Signer(7);
  const info = seq(int(0), seq(), mallory.publicKey, tlv(0xa0));
  return seq(info, seq(oid('1.3.101.112')), bits(mallory.signNow(info)));
}

function pair(name: string, value: string): Uint8Array {
  return seq(bmpString(name), bmpString(value));
}

function commonName(value: string): Uint8Array {
  return seq(set(seq(oid('2.5.4.3'), text(0x0c, value))));
}

function extension(id: string, value: Uint8Array): Uint8Array {
  return seq(oid(id), tlv(0x04, value));
}

function bmpString(value: string): Uint8Array {
  return tlv(0x1e, Buffer.from(value, 'utf16le').swap16());
}

/** X.690 11.6. */
function inOrder(elements: readonly Uint8Array[]): Uint8Array[] {
  return [...elements].sort((a, b) => Buffer.compare(a, b));
}
