import { inspect } from 'node:util';
import {
  CertificationRequest,
  ChallengePassword,
  createCertificationRequest,
  encodeRequestAttribute,
  matchesChallengePassword,
  readRequestAttributes,
} from '@countersign/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat, hex, text } from '../encodings/der.ts';
import { refusal } from '../encodings/refusal.ts';
import { softwareKey } from '../enrollment/software-key.ts';
import { attribute, types } from './attribute-der.ts';

const secret = 'correct horse battery';

test('a request with a challenge password matches that password and no other', async () => {
  const password = ChallengePassword.of(secret);
  const der = await createCertificationRequest(await softwareKey('p256'), {
    attributes: [encodeRequestAttribute({ kind: 'challengePassword', password })],
  });
  const { attributes } = CertificationRequest.parse(der);
  expect(matchesChallengePassword(attributes, secret)).toBe(true);
  for (const wrong of [
    '',
    'correct horse batterY',
    secret.slice(1),
    `${secret}\0`,
    ` ${secret}`,
    secret.toUpperCase(),
  ]) {
    expect(matchesChallengePassword(attributes, wrong)).toBe(false);
  }
});

test('any two texts match if they are the same, in whichever string type', () => {
  const texts = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(texts, texts, (own, other) => {
      const attributes = [
        encodeRequestAttribute({ kind: 'challengePassword', password: ChallengePassword.of(own) }),
      ];
      expect(matchesChallengePassword(attributes, own)).toBe(true);
      expect(matchesChallengePassword(attributes, other)).toBe(own === other);
    }),
  );
  const inUtf8 = [attribute(types.challengePassword, text(0x0c, 'abc'))];
  expect(matchesChallengePassword(inUtf8, 'abc')).toBe(true);
});

test('half a surrogate pair is not what it would be written as', () => {
  const attributes = [attribute(types.challengePassword, hex('0c03efbfbd'))];
  expect(matchesChallengePassword(attributes, '\ufffd')).toBe(true);
  expect(matchesChallengePassword(attributes, '\ud800')).toBe(false);
});

test('a request without one matches nothing, not even nothing', () => {
  for (const password of ['', 'undefined', secret]) {
    expect(matchesChallengePassword([], password)).toBe(false);
    expect(matchesChallengePassword([attribute('1.2.3.4', text(0x0c, secret))], password)).toBe(false);
  }
});

test('two passwords are refused, whichever of them would match', () => {
  const one = attribute(types.challengePassword, text(0x0c, secret));
  const two = attribute(types.challengePassword, text(0x0c, 'another'), text(0x0c, secret));
  for (const attributes of [[one, one], [two]]) {
    expect(refusal(() => matchesChallengePassword(attributes, secret)).code).toBe('ATTRIBUTE_MALFORMED');
  }
});

test('no view of a password shows it', () => {
  const [read] = readRequestAttributes([attribute(types.challengePassword, text(0x0c, secret))]);
  if (read?.kind !== 'challengePassword') throw new Error('no challenge password was read');
  const views = [
    JSON.stringify(read),
    inspect(read, { depth: 9, showHidden: true }),
    `${Object.values(read.password).join()}${Object.getOwnPropertyNames(read.password).join()}`,
    JSON.stringify(Object.assign({}, read.password)),
  ];
  for (const view of views) expect(view).not.toMatch(/horse/u);
});

test('no refusal of a password shows it', () => {
  const long = secret.repeat(20);
  const refused = [
    text(0x16, secret),
    text(0x14, secret),
    text(0x0c, long),
    text(0x13, `${secret}@`),
    concat(text(0x0c, secret), hex('00')),
    concat(hex('0c'), Uint8Array.of(secret.length + 1), Buffer.from(secret), hex('ff')),
  ].map((value) => refusal(() => readRequestAttributes([attribute(types.challengePassword, value)])));
  for (const error of [...refused, refusal(() => ChallengePassword.of(`${long}\ud800`))]) {
    const said = [error.message, error.hint, inspect(error, { depth: 9, showHidden: true })].join();
    expect(said).not.toMatch(/horse/u);
    expect(said).not.toContain(Buffer.from('horse').toString('hex'));
  }
});
