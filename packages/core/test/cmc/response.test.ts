import { createHash } from 'node:crypto';
import {
  createCmcResponse,
  parseCmcRequest,
  parseCmcResponse,
  verifyCmcResponse,
  type CmcOutcome,
  type CmcRequest,
} from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { concat, element, integer, octetString, oid, sequence } from '../path-validation/der.ts';
import { elementsOf } from './der-elements.ts';
import { requestOf, setUpEnrollment, type Enrollment } from './enrollment-fixture.ts';
import { attribute, certified, control, ids, signedMessage } from './foreign-cmc.ts';
import { refusal } from './refusal.ts';
import { SoftwareKey } from './software-key.ts';

async function requestTo({ ra, alice }: Enrollment): Promise<{ der: Uint8Array; request: CmcRequest }> {
  const { der } = await ra.countersign(await requestOf(alice), alice.upn, { format: 'cmc' });
  return { der, request: parseCmcRequest(der) };
}

async function respond(
  { ca, caKey }: Enrollment,
  outcome: CmcOutcome,
  request?: CmcRequest,
): Promise<Uint8Array> {
  const options = request === undefined ? {} : { request };
  return createCmcResponse(caKey, 'ecdsa-sha256', ca.certificate, outcome, options);
}

test('a response brings the certificate, in the transaction and with the nonce of the request', async () => {
  const enrollment = await setUpEnrollment();
  const { ca } = enrollment;
  const { der, request } = await requestTo(enrollment);
  const certificate = await ca.issue(der);
  const response = parseCmcResponse(await respond(enrollment, { status: 'success', certificate }, request));
  verifyCmcResponse(response, ca.certificate, request);
  expect(response.status).toBe('success');
  expect(response.issuedCertificate?.serialNumber).toBe(certificate.serialNumber);
  expect(response.certificates.map(({ serialNumber }) => serialNumber).sort()).toEqual(
    [certificate.serialNumber, ca.certificate.serialNumber].sort(),
  );
  expect(response.transactionId).toEqual(request.transactionId);
  expect(response.recipientNonce).toEqual(request.senderNonce);
  expect(response.senderNonce).toHaveLength(16);
  expect(response.senderNonce).not.toEqual(request.senderNonce);
});

test('the controls that AD CS sends come first and are encoded as AD CS encodes them', async () => {
  const enrollment = await setUpEnrollment();
  const { der } = await requestTo(enrollment);
  const certificate = await enrollment.ca.issue(der);
  const response = parseCmcResponse(await respond(enrollment, { status: 'success', certificate }));
  const hash = createHash('sha1').update(certificate.der).digest('hex');
  const [controlSequence = new Uint8Array()] = elementsOf(response.signedMessage.content);
  const controls = elementsOf(controlSequence).map((each) => Buffer.from(each).toString('hex'));
  // MS-WSTEP 4.1.1.2, but for the hash.
  expect(controls.slice(0, 2)).toEqual([
    '302102010106082b060105050707013112301002010030030201010c06497373756564',
    `3042020102060a2b0601040182370a0a013131302f02010030030201013125302306092b060104018237151131160414${hash}`,
  ]);
  // Without a request to answer, only the extended status follows.
  expect(response.controls.map(({ bodyPartId, type }) => [bodyPartId, type])).toEqual([
    [1, '1.3.6.1.5.5.7.7.1'],
    [2, '1.3.6.1.4.1.311.10.10.1'],
    [3, '1.3.6.1.5.5.7.7.25'],
  ]);
});

test('a refusal gives its reason in the extended status and none in the other, as AD CS wants it', async () => {
  const enrollment = await setUpEnrollment();
  const { request } = await requestTo(enrollment);
  const outcome = { status: 'failed', failInfo: 'badIdentity', statusString: 'no such user' } as const;
  const response = parseCmcResponse(await respond(enrollment, outcome, request));
  verifyCmcResponse(response, enrollment.ca.certificate, request);
  expect(response.status).toBe('failed');
  expect(response.issuedCertificate).toBeUndefined();
  expect(response.statusInfos).toEqual([
    { status: 'failed', bodyParts: [1], statusString: 'no such user' },
    { status: 'failed', bodyParts: [1], statusString: 'no such user', failInfo: 'badIdentity' },
  ]);
});

test('a pending response says with what to ask again', async () => {
  const enrollment = await setUpEnrollment();
  const { request } = await requestTo(enrollment);
  const pendInfo = { pendToken: Uint8Array.of(0, 0, 0, 17), pendTime: new Date('2030-01-02T03:04:05Z') };
  const response = parseCmcResponse(await respond(enrollment, { status: 'pending', pendInfo }, request));
  verifyCmcResponse(response, enrollment.ca.certificate, request);
  expect(response.status).toBe('pending');
  for (const info of response.statusInfos) {
    expect(info.pendInfo?.pendTime).toEqual(pendInfo.pendTime);
    expect(Buffer.from(info.pendInfo?.pendToken ?? [])).toEqual(Buffer.from(pendInfo.pendToken));
  }
  expect(response.statusInfos).toHaveLength(2);
});

describe('a response is refused', () => {
  test('for another request', async () => {
    const enrollment = await setUpEnrollment();
    const { der, request } = await requestTo(enrollment);
    const { request: other } = await requestTo(enrollment);
    const certificate = await enrollment.ca.issue(der);
    const answered = async (to: CmcRequest | undefined): Promise<string> => {
      const response = parseCmcResponse(await respond(enrollment, { status: 'success', certificate }, to));
      return (await refusal(() => verifyCmcResponse(response, enrollment.ca.certificate, request))).message;
    };
    expect(await answered(other)).toContain('transaction');
    expect(await answered(undefined)).toContain('transaction');
    expect(await answered({ ...other, transactionId: request.transactionId })).toContain('nonce');
    expect(await answered({ ...request, senderNonce: undefined })).toContain('nonce');
  });

  test('with a certificate for another key', async () => {
    const enrollment = await setUpEnrollment();
    const { request } = await requestTo(enrollment);
    const outcome = { status: 'success', certificate: enrollment.agentCertificate } as const;
    const response = parseCmcResponse(await respond(enrollment, outcome, request));
    const error = await refusal(() => verifyCmcResponse(response, enrollment.ca.certificate, request));
    expect(error.code).toBe('RESPONSE_MISMATCH');
    expect(error.message).toContain('another key');
  });

  test('by anybody but the CA', async () => {
    const enrollment = await setUpEnrollment();
    const { der, request } = await requestTo(enrollment);
    const certificate = await enrollment.ca.issue(der);
    const outcome = { status: 'success', certificate } as const;
    const byAgent = parseCmcResponse(
      await createCmcResponse(enrollment.agentKey, 'ecdsa-sha256', enrollment.agentCertificate, outcome, {
        request,
      }),
    );
    const underItsName = parseCmcResponse(
      await createCmcResponse(new SoftwareKey('p256'), 'ecdsa-sha256', enrollment.ca.certificate, outcome, {
        request,
      }),
    );
    for (const response of [byAgent, underItsName]) {
      const error = await refusal(() => verifyCmcResponse(response, enrollment.ca.certificate, request));
      expect(error.code).toBe('SIGNATURE_INVALID');
    }
  });

  test('after a change of any octet', async () => {
    const enrollment = await setUpEnrollment();
    const { der, request } = await requestTo(enrollment);
    const certificate = await enrollment.ca.issue(der);
    const sound = await respond(enrollment, { status: 'success', certificate }, request);
    const check = (bytes: Uint8Array): void =>
      verifyCmcResponse(parseCmcResponse(bytes), enrollment.ca.certificate, request);
    check(sound);
    // The CA's own certificate is enclosed for convenience; whoever verifies has it from elsewhere.
    const enclosed = Buffer.from(sound).indexOf(enrollment.ca.certificate.der);
    const codes = new Set<string>();
    for (let at = 0; at < sound.length; at++) {
      if (at >= enclosed && at < enclosed + enrollment.ca.certificate.der.length) continue;
      const altered = Uint8Array.from(sound);
      altered[at] = (altered[at] ?? 0) ^ 0x10;
      codes.add((await refusal(() => check(altered))).code);
    }
    expect([...codes]).toEqual(
      expect.arrayContaining(['DER_MALFORMED', 'SIGNATURE_INVALID', 'RESPONSE_MISMATCH']),
    );
  });
});

describe('a response of another writer', () => {
  test('without any status is one of success', async () => {
    expect((await parse()).status).toBe('success');
    expect((await parse(status(success))).status).toBe('success');
  });

  test('fails if one of its statuses does', async () => {
    const failed = sequence(integer(2), sequence(integer(1)));
    const both = await parse(status(success), control(2, '1.3.6.1.5.5.7.7.1', failed));
    expect(both.status).toBe('failed');
  });

  test.each([
    ['a private code', integer(1000)],
    ['an extended one without a tag', sequence(oid('1.2.3'), integer(7))],
    ['an extended one with a tag', element(0xa1, oid('1.2.3'), integer(7))],
  ])('may fail for a reason that is not known: %s', async (_what, reason) => {
    const response = await parse(status(sequence(integer(2), sequence(integer(1)), reason)));
    expect(response.statusInfos).toEqual([
      { status: 'failed', bodyParts: [1], statusString: undefined, failInfo: 'internalCAError' },
    ]);
  });

  test.each([
    ['a status that is none', status(sequence(integer(1), sequence(integer(1)))), /no status/],
    ['a status of no body part', status(sequence(integer(0), sequence()))],
    [
      'a reason for failure with success',
      status(sequence(integer(0), sequence(integer(1)), integer(2))),
      /failure/,
    ],
    [
      'something pending with success',
      status(
        sequence(
          integer(0),
          sequence(integer(1)),
          sequence(octetString(new Uint8Array(4)), element(0x18, Buffer.from('20300102030405Z'))),
        ),
      ),
      /pending/,
    ],
    [
      'a time of the wrong type',
      status(
        sequence(
          integer(3),
          sequence(integer(1)),
          sequence(octetString(new Uint8Array(4)), element(0x17, Buffer.from('300102030405Z'))),
        ),
      ),
      /GeneralizedTime/,
    ],
    ['octets behind the status', status(sequence(integer(0), sequence(integer(1)), integer(2), integer(2)))],
    ['two hashes', addedHashes(2), /several hashes/],
    ['a hash of another type', addedHash(integer(1))],
    ['a body part 0', control(0, '1.3.6.1.5.5.7.7.25', success), /body part/],
  ])('with %s is refused', async (_what, faulty, message = /./) => {
    const error = await refusal(async () => parse(faulty));
    expect(error.code).toBe('DER_MALFORMED');
    expect(error.message).toMatch(message);
  });

  test('with the hash of a certificate that is not enclosed is refused', async () => {
    const error = await refusal(async () => parse(addedHash(octetString(new Uint8Array(20)))));
    expect(error.code).toBe('RESPONSE_MISMATCH');
  });

  test('with a control that is not processed is refused', async () => {
    const error = await refusal(async () => parse(status(success), control(2, '1.2.3', integer(1))));
    expect(error.code).toBe('CONTROL_NOT_PROCESSED');
  });

  test('with a message inside, with octets behind, or of another type is refused', async () => {
    const { agentKey, agentCertificate } = await setUpEnrollment();
    const signers = [certified(agentKey, agentCertificate)];
    const sound = sequence(sequence(), sequence(), sequence());
    const faulty: [content: Uint8Array, contentType: string][] = [
      [sequence(sequence(), sequence(sequence()), sequence()), ids.pkiResponse],
      [sequence(sequence(), sequence(), sequence(sequence())), ids.pkiResponse],
      [sequence(sequence(), sequence(), sequence(), sequence()), ids.pkiResponse],
      [concat(sound, Uint8Array.of(5, 0)), ids.pkiResponse],
      [sound, ids.pkiData],
    ];
    parseCmcResponse(signedMessage(sound, { contentType: ids.pkiResponse, signers }));
    for (const [content, contentType] of faulty) {
      const error = await refusal(() => parseCmcResponse(signedMessage(content, { contentType, signers })));
      expect(error.code).toBe('DER_MALFORMED');
    }
  });
});

const success = sequence(integer(0), sequence(integer(1)));
const status = (value: Uint8Array, type = '1.3.6.1.5.5.7.7.25'): Uint8Array => control(1, type, value);

async function parse(...controls: Uint8Array[]): Promise<ReturnType<typeof parseCmcResponse>> {
  const { agentKey, agentCertificate } = await setUpEnrollment();
  const content = sequence(sequence(...controls), sequence(), sequence());
  const signers = [certified(agentKey, agentCertificate)];
  return parseCmcResponse(signedMessage(content, { contentType: ids.pkiResponse, signers }));
}

function addedHash(...hashes: readonly Uint8Array[]): Uint8Array {
  const attributes = element(0x31, attribute('1.3.6.1.4.1.311.21.17', ...hashes));
  return control(1, ids.addAttributes, sequence(integer(0), sequence(integer(1)), attributes));
}

function addedHashes(count: number): Uint8Array {
  return addedHash(...Array.from({ length: count }, (_none, n) => octetString(new Uint8Array(20).fill(n))));
}
