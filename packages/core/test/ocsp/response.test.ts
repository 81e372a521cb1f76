import { CountersignError, OcspResponse } from '@countersign/core';
import { describe, expect, it } from 'vitest';
import {
  bitString,
  context,
  element,
  integer,
  octetString,
  oid,
  sequence,
  time,
} from '../path-validation/der.ts';
import { enumerated, generalizedTime, respond, wrapped, type HandmadeResponse } from './handmade.ts';
import { at, certIdOf, responderKey, response } from './verification-fixture.ts';

const byKey = context(2, octetString(new Uint8Array(20)));
const single = sequence(certIdOf().der, element(0x80), generalizedTime(at));
const sound: HandmadeResponse = { responderId: byKey, producedAt: generalizedTime(at), responses: [single] };

function withStatus(status: Uint8Array, ...rest: readonly Uint8Array[]): Uint8Array {
  return sequence(certIdOf().der, status, generalizedTime(at), ...rest);
}

describe('OcspResponse', () => {
  it('takes the handmade response that the others differ from', async () => {
    const { basic } = OcspResponse.parse(await respond(responderKey, sound));
    expect(basic).toMatchObject({
      producedAt: at,
      responses: [{ status: { kind: 'good' } }],
      certificates: [],
    });
  });

  it.each<[string, Partial<HandmadeResponse>]>([
    ['without any single response', { responses: [] }],
    ['of the version that goes without saying', { version: context(0, integer(0)) }],
    ['of version 2', { version: context(0, integer(1)) }],
    ['with a responder neither by name nor by key', { responderId: context(3, sequence()) }],
    ['with a key hash that is no SHA-1', { responderId: context(2, octetString(new Uint8Array(32))) }],
    ['produced at a UTCTime', { producedAt: time(at) }],
    [
      'with a responder by two keys',
      { responderId: context(2, octetString(new Uint8Array(20)), integer(1)) },
    ],
    ['with a responder by two names', { responderId: context(1, sequence(), sequence()) }],
    ['with an empty list of extensions', { extensions: [] }],
    ['with a status that does not exist', { responses: [withStatus(element(0x83))] }],
    ['with a good that is more', { responses: [withStatus(element(0x80, integer(1)))] }],
    ['with an unknown that is more', { responses: [withStatus(element(0x82, integer(1)))] }],
    ['with a revocation without time', { responses: [withStatus(context(1))] }],
    ['with a reason that does not exist', { responses: [withStatus(revoked(context(0, enumerated(7))))] }],
    ['with a reason of another type', { responses: [withStatus(revoked(context(0, integer(1))))] }],
    [
      'with more behind the reason',
      { responses: [withStatus(revoked(context(0, enumerated(1)), integer(1)))] },
    ],
    [
      'with more behind the next update',
      { responses: [withStatus(element(0x80), context(0, generalizedTime(at)), integer(1))] },
    ],
    ['with a next update of another type', { responses: [withStatus(element(0x80), context(0, time(at)))] }],
  ])('refuses a response %s', async (_, changes) => {
    const der = await respond(responderKey, { ...sound, ...changes });
    expect(refusalOf(der)).toBe('DER_MALFORMED');
  });

  it.each<[string, (basic: Uint8Array) => Uint8Array]>([
    ['success without a response', () => sequence(enumerated(0))],
    [
      'an error with a response',
      (basic) =>
        sequence(enumerated(1), context(0, sequence(oid('1.3.6.1.5.5.7.48.1.1'), octetString(basic)))),
    ],
    ['a status that does not exist', () => sequence(enumerated(4))],
    ['a status beyond those that exist', () => sequence(enumerated(7))],
    ['a status of another type', () => sequence(integer(1))],
    ['a response of another type', (basic) => wrapped(basic, '1.3.6.1.5.5.7.48.1.99')],
    ['something after it', (basic) => Uint8Array.from([...wrapped(basic), 0])],
    ['something after the response within', (basic) => wrapped(Uint8Array.from([...basic, 0]))],
    [
      'a response that is not signed',
      () => wrapped(sequence(sequence(byKey, generalizedTime(at), sequence(single)))),
    ],
    [
      'something after the single responses',
      () => wrapped(signed(sequence(byKey, generalizedTime(at), sequence(single), integer(1)))),
    ],
    [
      'something after the response bytes',
      (basic) =>
        sequence(
          enumerated(0),
          context(0, sequence(oid('1.3.6.1.5.5.7.48.1.1'), octetString(basic)), integer(1)),
        ),
    ],
    [
      'something among the response bytes',
      (basic) =>
        sequence(
          enumerated(0),
          context(0, sequence(oid('1.3.6.1.5.5.7.48.1.1'), octetString(basic), integer(1))),
        ),
    ],
    [
      'a signature with unused bits',
      () =>
        wrapped(
          sequence(
            sequence(byKey, generalizedTime(at), sequence(single)),
            sequence(oid('1.2.840.10045.4.3.2')),
            element(0x03, Uint8Array.of(1, 0)),
          ),
        ),
    ],
    [
      'something after the signature',
      () =>
        wrapped(
          sequence(
            sequence(byKey, generalizedTime(at), sequence(single)),
            sequence(oid('1.2.840.10045.4.3.2')),
            bitString(new Uint8Array(8)),
            integer(1),
          ),
        ),
    ],
  ])('refuses %s', async (_, make) => {
    const basic = sequence(
      sequence(byKey, generalizedTime(at), sequence(single)),
      sequence(oid('1.2.840.10045.4.3.2')),
      bitString(new Uint8Array(8)),
    );
    expect(refusalOf(wrapped(basic))).toBeUndefined();
    expect(refusalOf(make(basic))).toBe('DER_MALFORMED');
  });

  it('refuses a response cut off anywhere', async () => {
    const der = await response();
    expect(refusalOf(der)).toBeUndefined();
    for (let length = 0; length < der.length; length++) {
      expect(refusalOf(der.subarray(0, length))).toBe('DER_MALFORMED');
    }
  });
});

/** BasicOCSPResponse with a signature that nobody looks at. */
function signed(responseData: Uint8Array): Uint8Array {
  return sequence(responseData, sequence(oid('1.2.840.10045.4.3.2')), bitString(new Uint8Array(8)));
}

function revoked(...rest: readonly Uint8Array[]): Uint8Array {
  return context(1, generalizedTime(at), ...rest);
}

function refusalOf(der: Uint8Array): string | undefined {
  try {
    OcspResponse.parse(der);
    return undefined;
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}
