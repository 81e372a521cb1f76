import {
  Certificate,
  CertificationRequest,
  CountersignError,
  Name,
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseNtdsCaSecurityExtension,
  parseSignedData,
  parseSubjectAltName,
  parseSubjectKeyIdentifier,
  PublicKey,
  subjectAltName,
  verifySignerInfo,
  type BasicConstraints,
  type KeyUsageBit,
} from '@countersign/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, hex, oid, readTree, seq, text, tlv, toHex, writeTree } from './der.ts';
import { certificate, request, signedData } from './documents.ts';
import { readerCases } from './readers.ts';
import { attempt, verdict } from './refusal.ts';

/** A place given as a fraction, so that it makes sense in documents of every length. */
type Mutation =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'write'; readonly at: number; readonly octet: number }
  | { readonly kind: 'insert'; readonly at: number; readonly octets: Uint8Array }
  | { readonly kind: 'delete'; readonly at: number; readonly count: number }
  | { readonly kind: 'duplicate'; readonly at: number; readonly count: number };

const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('write' as const), at, octet: fc.nat(255) }),
  fc.record({
    kind: fc.constant('insert' as const),
    at,
    octets: fc.uint8Array({ minLength: 1, maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('delete' as const), at, count: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ kind: fc.constant('duplicate' as const), at, count: fc.integer({ min: 1, max: 40 }) }),
);

const keyUsageOrder: readonly KeyUsageBit[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

describe.each(readerCases)('$name', ({ sound, read }) => {
  test('any mutation is refused as such or leaves a document that is DER', () => {
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        const document = mutations.reduce(mutate, sound);
        // `attempt` lets every other exception through, and the test fails with it.
        if (attempt(() => read(document)) instanceof CountersignError) return;
        expect(toHex(writeTree(readTree(document)))).toBe(toHex(document));
      }),
      { numRuns: 2000 },
    );
  });

  test('any single altered bit is refused as such or leaves a document that is DER', () => {
    for (let bit = 0; bit < 8 * sound.length; bit++) {
      const document = Uint8Array.from(sound);
      document[bit >> 3] = (document[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
      if (attempt(() => read(document)) instanceof CountersignError) continue;
      expect(toHex(writeTree(readTree(document)))).toBe(toHex(document));
    }
  });

  test('any octets at all are refused as such or are DER', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => {
        const document = tlv(sound[0] ?? 0, octets);
        if (attempt(() => read(document)) instanceof CountersignError) return;
        expect(toHex(writeTree(readTree(document)))).toBe(toHex(document));
      }),
      { numRuns: 1000 },
    );
  });
});

test.each<[string, (der: Uint8Array) => Uint8Array]>([
  ['Certificate.parse', (der) => Certificate.parse(der).der],
  ['CertificationRequest.parse', (der) => CertificationRequest.parse(der).der],
  ['PublicKey.parse of P-256', (der) => PublicKey.parse(der).subjectPublicKeyInfo],
  ['Name.parse', (der) => Name.parse(der).der],
  ['parseSubjectAltName', (der) => subjectAltName(parseSubjectAltName(der)).value],
  ['parseKeyUsage', (der) => writeKeyUsage(parseKeyUsage(der))],
  ['parseBasicConstraints', (der) => writeBasicConstraints(parseBasicConstraints(der))],
  ['parseExtendedKeyUsage', (der) => seq(...parseExtendedKeyUsage(der).map(oid))],
  ['parseSubjectKeyIdentifier', (der) => tlv(0x04, parseSubjectKeyIdentifier(der))],
  ['parseNtdsCaSecurityExtension', (der) => writeSid(parseNtdsCaSecurityExtension(der))],
])('%s says all that was written: written again it is the same', (reader, writeAgain) => {
  const sound = readerCases.find(({ name }) => name === reader)?.sound ?? new Uint8Array();
  expect(toHex(writeAgain(sound))).toBe(toHex(sound));
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 2 }), (mutations) => {
      const document = mutations.reduce(mutate, sound);
      const written = attempt(() => writeAgain(document));
      if (written instanceof CountersignError) return;
      expect(toHex(written)).toBe(toHex(document));
    }),
    { numRuns: 1000 },
  );
});

test('what is looked at only later is refused as such too', () => {
  const sound = certificate({ subject: Name.fromString('CN=Alice+UID=a,OU=\\,,DC=test').der });
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 2 }), (mutations) => {
      const parsed = attempt(() => Certificate.parse(mutations.reduce(mutate, sound)));
      if (parsed instanceof CountersignError) return;
      const shown = parsed.subject.toString();
      const again = attempt(() => Name.fromString(shown).toString());
      if (!(again instanceof CountersignError)) expect(again).toBe(shown);
      for (const { value } of parsed.extensions) {
        for (const { read } of readerCases) attempt(() => read(value));
      }
      attempt(() => parsed.isIssuedBy(parsed));
    }),
    { numRuns: 2000 },
  );
  const csr = request();
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 2 }), (mutations) => {
      const parsed = attempt(() => CertificationRequest.parse(mutations.reduce(mutate, csr)));
      if (parsed instanceof CountersignError) return;
      attempt(() => parsed.userPrincipalNames);
      // One altered octet is enough for the signature not to hold, or not to be looked at.
      expect(['PROOF_OF_POSSESSION_INVALID', 'ALGORITHM_NOT_SUPPORTED', 'SCHEME_NOT_SUPPORTED']).toContain(
        toHex(parsed.der) === toHex(csr)
          ? 'PROOF_OF_POSSESSION_INVALID'
          : verdict(() => parsed.verifyProofOfPossession()),
      );
    }),
    { numRuns: 2000 },
  );
  const signer = certificate();
  const cms = signedData(csr, signer);
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 2 }), (mutations) => {
      const document = mutations.reduce(mutate, cms);
      const parsed = attempt(() => parseSignedData(document));
      if (parsed instanceof CountersignError) return;
      // The signer's certificate is bound by its issuer's signature, not by this one.
      const { signerCertificate } = parsed;
      if (toHex(document) === toHex(cms) || toHex(signerCertificate.der) !== toHex(signer)) return;
      expect(verdict(() => verifySignerInfo(parsed))).not.toBe('taken');
    }),
    { numRuns: 1000 },
  );
});

function mutate(document: Uint8Array, change: Mutation): Uint8Array {
  const position = Math.floor(change.at * document.length);
  const before = document.subarray(0, position);
  const after = document.subarray(position);
  switch (change.kind) {
    case 'flip':
      return concat(before, Uint8Array.of((after[0] ?? 0) ^ (1 << change.bit)), after.subarray(1));
    case 'write':
      return concat(before, Uint8Array.of(change.octet), after.subarray(1));
    case 'insert':
      return concat(before, change.octets, after);
    case 'delete':
      return concat(before, after.subarray(change.count));
    case 'duplicate':
      return concat(before, after.subarray(0, change.count), after);
  }
}

function writeKeyUsage(usages: readonly KeyUsageBit[]): Uint8Array {
  const set = keyUsageOrder.map((bit) => (usages.includes(bit) ? '1' : '0')).join('');
  const significant = set.replace(/0+$/, '');
  const octets = significant.padEnd(8 * Math.ceil(significant.length / 8), '0').match(/.{8}/g) ?? [];
  const unused = octets.length * 8 - significant.length;
  return tlv(0x03, Uint8Array.from([unused, ...octets.map((octet) => Number.parseInt(octet, 2))]));
}

function writeBasicConstraints({ cA, pathLenConstraint }: BasicConstraints): Uint8Array {
  const parts: Uint8Array[] = [];
  if (cA) parts.push(Uint8Array.of(0x01, 0x01, 0xff));
  if (pathLenConstraint !== undefined) {
    const digits = pathLenConstraint.toString(16);
    const even = digits.length % 2 === 0 ? digits : `0${digits}`;
    parts.push(tlv(0x02, hex(/^[89a-f]/.test(even) ? `00${even}` : even)));
  }
  return seq(...parts);
}

function writeSid(sid: string): Uint8Array {
  return seq(tlv(0xa0, oid('1.3.6.1.4.1.311.25.2.1'), tlv(0xa0, text(0x04, sid))));
}
