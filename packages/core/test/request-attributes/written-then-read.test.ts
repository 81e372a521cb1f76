import {
  CertificationRequest,
  ChallengePassword,
  createCertificationRequest,
  encodeRequestAttribute,
  matchesChallengePassword,
  readRequestAttributes,
  type RequestAttribute,
} from '@countersign/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { oid, seq, set } from '../encodings/der.ts';
import { verdict } from '../encodings/refusal.ts';
import { ChallengePasswordAttribute } from '../differential/peculiar-x509.ts';
import { softwareKey } from '../enrollment/software-key.ts';
import { attribute } from './attribute-der.ts';

const unicode = fc.string({ unit: 'binary', maxLength: 40 });
const ascii = fc.string({ unit: 'binary-ascii', maxLength: 40 });
const plane = unicode.map((text) => text.replaceAll(/[\u{10000}-\u{10ffff}]/gu, ''));
const named = fc.stringMatching(/^[A-Za-zé ]{1,40}$/u);
const octets = fc.uint8Array({ maxLength: 40 });
const number = fc.integer({ min: 0, max: 0x7fffffff });
const anyOid = fc.nat(0xffffff).map((arc) => `1.2.3.${arc}`);

/** One of each kind that does not hold something larger. */
const attributes: fc.Arbitrary<RequestAttribute[]> = fc
  .tuple(
    fc.record({ kind: fc.constant('osVersion' as const), version: ascii }),
    fc.record({
      kind: fc.constant('enrollmentCspProvider' as const),
      keySpec: number,
      cspName: plane,
      signature: octets,
    }),
    fc.record({
      kind: fc.constant('requestClientInfo' as const),
      clientId: number,
      machineName: unicode,
      userName: unicode,
      processName: unicode,
    }),
    fc.record({
      kind: fc.constant('extensionRequest' as const),
      type: fc.constantFrom('pkcs9' as const, 'microsoft' as const),
      extensions: fc.uniqueArray(fc.record({ oid: anyOid, critical: fc.boolean(), value: octets }), {
        minLength: 1,
        maxLength: 5,
        selector: (extension) => extension.oid,
      }),
    }),
    fc.record({
      kind: fc.constant('enrollCertType' as const),
      templateName: named,
      form: fc.constantFrom('bmpString' as const, 'sequence' as const),
    }),
    fc.record({
      kind: fc.constant('certificateTemplate' as const),
      template: fc.record({ oid: anyOid, majorVersion: number, minorVersion: number }),
    }),
    fc.record({ kind: fc.constant('ntPrincipalName' as const), userPrincipalName: named }),
  )
  .chain((all) => fc.shuffledSubarray<RequestAttribute>(all));

test('what is written is what is read, in any order', () => {
  fc.assert(
    fc.property(attributes, (written) => {
      expect(comparable(readRequestAttributes(written.map(encodeRequestAttribute)))).toEqual(
        comparable(written),
      );
    }),
  );
});

test('and so it is through a signed request', async () => {
  const key = await softwareKey('p256');
  await fc.assert(
    fc.asyncProperty(attributes, async (written) => {
      const der = await createCertificationRequest(key, { attributes: written.map(encodeRequestAttribute) });
      const request = CertificationRequest.parse(der);
      request.verifyProofOfPossession();
      const read = readRequestAttributes(request.attributes);
      expect(comparable(byKind(read))).toEqual(comparable(byKind(written)));
    }),
    { numRuns: 30 },
  );
});

test('core reads the challenge passwords that @peculiar/x509 writes, where these are PrintableStrings', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9 '()+,\-./:=?]{1,60}$/u), (password) => {
      const { type, values } = new ChallengePasswordAttribute(password);
      const theirs = attribute(type, ...values.map((value) => new Uint8Array(value)));
      expect(matchesChallengePassword([theirs], password)).toBe(true);
    }),
  );
  // It calls everything a PrintableString (X.680 41.4 has no @).
  const [value = new ArrayBuffer()] = new ChallengePasswordAttribute('a@b').values;
  const wrong = attribute('1.2.840.113549.1.9.7', new Uint8Array(value));
  expect(verdict(() => readRequestAttributes([wrong]))).toBe('DER_MALFORMED');
});

test('@peculiar/x509 reads the challenge passwords that core writes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), (text) => {
      const password = ChallengePassword.of(text);
      const { type, values } = encodeRequestAttribute({ kind: 'challengePassword', password });
      expect(new ChallengePasswordAttribute(seq(oid(type), set(...values))).password).toBe(text);
    }),
  );
});

function byKind(list: readonly RequestAttribute[]): RequestAttribute[] {
  return list.toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
}

/** With octets as plain arrays: a view of a Buffer is the same octets. */
function comparable(list: readonly RequestAttribute[]): unknown {
  return list.map((read) => {
    if (read.kind === 'enrollmentCspProvider') return { ...read, signature: Array.from(read.signature) };
    if (read.kind !== 'extensionRequest') return read;
    const extensions = read.extensions.map(({ oid: id, critical, value }) => [
      id,
      critical,
      Array.from(value),
    ]);
    return { ...read, extensions };
  });
}
