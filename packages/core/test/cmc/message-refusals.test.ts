import { parseCmcRequest } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { concat, element, integer, octetString, oid, sequence } from '../path-validation/der.ts';
import { elementsOf } from './der-elements.ts';
import { requestOf, setUpEnrollment } from './enrollment-fixture.ts';
import {
  addAttributes,
  attribute,
  control,
  foreignRequest,
  ids,
  pair,
  pkiData,
  regInfo,
  set,
  sha256,
  signedMessage,
  type ForeignRequest,
} from './foreign-cmc.ts';
import { refusal } from './refusal.ts';
import { expectRefused, named, soundRequest } from './sound-request.ts';

describe('the message', () => {
  test.each([
    ['id-data', ids.data],
    ['a PKI response', ids.pkiResponse],
    ['an unknown content type', '1.2.3.4'],
  ])('with %s around PKIData is refused', async (_what, contentType) => {
    const enrollment = await setUpEnrollment();
    const attributes = [attribute(ids.nameValuePair, pair('requestername', String.raw`CONTOSO\alice`))];
    const der = foreignRequest({ ...soundRequest(enrollment, { attributes }), contentType });
    await expectRefused(enrollment, der, 'DER_MALFORMED');
    expect((await refusal(() => parseCmcRequest(der))).adcs?.symbol).toBe('CRYPT_E_INVALID_MSG_TYPE');
  });

  test('with PKIData around a PKCS#10 request is refused', async () => {
    const enrollment = await setUpEnrollment();
    const der = signedMessage(await requestOf(enrollment.alice), soundRequest(enrollment));
    await expectRefused(enrollment, der, 'DER_MALFORMED');
  });

  const alterations: [what: string, alter: (request: ForeignRequest) => ForeignRequest, message?: RegExp][] =
    [
      ['of version 1', (request) => ({ ...request, version: 1 }), /version 1/],
      ['of version 4', (request) => ({ ...request, version: 4 }), /version 4/],
      ['with CRLs', (request) => ({ ...request, crls: [element(0xa1, sequence())] }), /CRLs/],
      [
        'that lists another digest algorithm',
        (request) => ({ ...request, digestAlgorithms: [sequence(oid('2.16.840.1.101.3.4.2.2'))] }),
        /digestAlgorithms/,
      ],
      [
        'that lists one digest algorithm more',
        (request) => ({ ...request, digestAlgorithms: [sha256, sequence(oid('2.16.840.1.101.3.4.2.2'))] }),
        /digestAlgorithms/,
      ],
      ['without a certification request', (request) => ({ ...request, requests: [] }), /no PKCS#10/],
      [
        'with two certification requests',
        (request) => ({ ...request, requests: request.requests.flatMap((one) => [one, one]) }),
        /more than one certification request/,
      ],
      [
        'with a request in CRMF',
        (request) => ({ ...request, requests: [element(0xa1, integer(1))] }),
        /no PKCS#10/,
      ],
      [
        'with a request in CRMF beside the other',
        (request) => ({ ...request, requests: [...request.requests, element(0xa1, integer(5))] }),
        /more than one certification request/,
      ],
      [
        'with octets after the request in its tag',
        ({ requests: [request = new Uint8Array()], ...rest }) => ({
          ...rest,
          requests: [element(0xa0, request.subarray(request[1] === 0x81 ? 3 : 4), Uint8Array.of(5, 0))],
        }),
      ],
      [
        'with a message inside',
        (request) => ({ ...request, cmsSequence: [sequence(integer(9), sequence(oid(ids.data)))] }),
        /cmsSequence/,
      ],
      [
        'with another message inside',
        (request) => ({ ...request, otherMsgSequence: [sequence(integer(9), oid('1.2.3'), sequence())] }),
        /otherMsgSequence/,
      ],
      [
        'with a control twice',
        (request) => ({ ...request, controls: [regInfo(2, named), regInfo(3, 'a=b')] }),
        /stands twice/,
      ],
      [
        'with a body part 0',
        (request) => ({ ...request, controls: [regInfo(0, named)] }),
        /body part identifier/,
      ],
      [
        'with a body part twice',
        (request) => ({ ...request, controls: [regInfo(1, named)] }),
        /body part identifier/,
      ],
      [
        'with a control of two values',
        (request) => ({
          ...request,
          controls: [
            control(2, ids.regInfo, octetString(Buffer.from(named)), octetString(Buffer.from('a=b'))),
          ],
        }),
        /2 values/,
      ],
      [
        'with a control of no value',
        (request) => ({ ...request, controls: [regInfo(2, named), control(3, ids.senderNonce)] }),
        /0 values/,
      ],
      [
        'with RegInfo of another type',
        (request) => ({ ...request, controls: [control(2, ids.regInfo, integer(1))] }),
      ],
      [
        'with RegInfo that is not pairs',
        (request) => ({ ...request, controls: [regInfo(2, 'requestername')] }),
        /pair|Name=Value/,
      ],
      [
        'with a nonce of another type',
        (request) => ({ ...request, controls: [regInfo(2, named), control(3, ids.senderNonce, integer(1))] }),
      ],
      [
        'with a transaction of another type',
        (request) => ({
          ...request,
          controls: [regInfo(2, named), control(3, ids.transactionId, octetString(Uint8Array.of(1)))],
        }),
      ],
      [
        'that adds attributes within another message',
        (request) => ({
          ...request,
          controls: [
            regInfo(2, named),
            control(3, ids.addAttributes, sequence(integer(4), sequence(integer(1)), set([]))),
          ],
        }),
        /message within the message/,
      ],
      [
        'that adds attributes to something else',
        (request) => ({
          ...request,
          controls: [regInfo(2, named), addAttributes(3, 7, attribute(ids.clientInfo, sequence()))],
        }),
        /something else/,
      ],
    ];
  test.each(alterations)('%s is refused', async (_what, alter, message) => {
    const enrollment = await setUpEnrollment();
    const der = foreignRequest(alter(soundRequest(enrollment)));
    await expectRefused(enrollment, der, 'DER_MALFORMED', message);
  });

  test.each([
    ['unknown', '1.2.3.4'],
    ['identityProof', '1.3.6.1.5.5.7.7.3'],
    ['addExtensions', '1.3.6.1.5.5.7.7.8'],
    ['revokeRequest', '1.3.6.1.5.5.7.7.17'],
    ['statusInfo', '1.3.6.1.5.5.7.7.1'],
  ])('with a control that is not processed (%s) is refused', async (_what, type) => {
    const enrollment = await setUpEnrollment();
    const controls = [regInfo(2, named), control(3, type, octetString(Uint8Array.of(1)))];
    const der = foreignRequest({ ...soundRequest(enrollment), controls });
    await expectRefused(
      enrollment,
      der,
      'CONTROL_NOT_PROCESSED',
      new RegExp(type.replaceAll('.', String.raw`\.`)),
    );
  });

  test('with a fifth part behind the four of PKIData is refused', async () => {
    const enrollment = await setUpEnrollment();
    const request = soundRequest(enrollment);
    const parts = elementsOf(pkiData(request));
    expect(parts).toHaveLength(4);
    const der = signedMessage(sequence(...parts, sequence()), request);
    await expectRefused(enrollment, der, 'DER_MALFORMED', /follow/);
  });

  test('with trailing octets is refused, outside and inside', async () => {
    const enrollment = await setUpEnrollment();
    const request = soundRequest(enrollment);
    const outside = concat(foreignRequest(request), Uint8Array.of(0));
    const inside = signedMessage(concat(pkiData(request), Uint8Array.of(5, 0)), request);
    await expectRefused(enrollment, outside, 'DER_MALFORMED', /follow/);
    await expectRefused(enrollment, inside, 'DER_MALFORMED', /follow/);
  });
});
