import {
  createOcspErrorResponse,
  createOcspNonce,
  Name,
  OcspResponse,
  type OcspErrorStatus,
  type OcspVerificationInputs,
} from '@countersign/core';
import { describe, expect, it } from 'vitest';
import { context, element, octetString, sequence } from '../path-validation/der.ts';
import { certify, encodeExtensions, extension, generalizedTime, type HandmadeExtension } from './handmade.ts';
import {
  at,
  ca,
  caKey,
  caName,
  certIdOf,
  codeOf,
  handmade,
  impostor,
  minutesLater,
  responder,
  response,
  responseByCa,
  strangerKey,
  subject,
  unknownExtension,
  verified,
  type ResponseChanges,
} from './verification-fixture.ts';

describe('verifyOcspResponse', () => {
  it.each(['byKey', 'byName'] as const)(
    'takes the word of a delegated responder, named %s',
    async (responderId) => {
      const verdict = verified(await response({ responderId }));
      expect(verdict).toMatchObject({
        status: { kind: 'good' },
        thisUpdate: at,
        nextUpdate: minutesLater(60),
      });
      expect(verdict.responder?.serialNumber).toBe(responder.serialNumber);
    },
  );

  it.each(['byKey', 'byName'] as const)(
    'takes the word of the issuer itself, named %s',
    async (responderId) => {
      const verdict = verified(await responseByCa({ responderId }));
      expect(verdict).toMatchObject({ status: { kind: 'good' }, responder: undefined });
    },
  );

  it.each(['sha1', 'sha256', 'sha384', 'sha512'] as const)('knows CertIDs made with %s', async (hash) => {
    const certId = certIdOf(subject, ca, hash);
    expect(verified(await response({ certId })).status).toEqual({ kind: 'good' });
  });

  it('says revoked and unknown, and does not throw for them', async () => {
    const revoked = { kind: 'revoked', revokedAt: minutesLater(-5), reason: 'certificateHold' } as const;
    expect(verified(await response({ status: revoked })).status).toEqual(revoked);
    expect(verified(await response({ status: { kind: 'unknown' } })).status).toEqual({ kind: 'unknown' });
  });

  it('holds to the worse of two answers about one certificate', async () => {
    const good = { certId: certIdOf(), status: { kind: 'good' }, thisUpdate: at } as const;
    const revoked = { kind: 'revoked', revokedAt: at, reason: 'superseded' } as const;
    const responses = [good, { ...good, certId: certIdOf(subject, ca, 'sha256'), status: revoked }];
    for (const order of [responses, responses.toReversed()]) {
      expect(verified(await response({ responses: order })).status).toEqual(revoked);
    }
  });

  it.each<[OcspErrorStatus]>([
    ['malformedRequest'],
    ['internalError'],
    ['tryLater'],
    ['sigRequired'],
    ['unauthorized'],
  ])('refuses the error status %s', (status) => {
    const der = createOcspErrorResponse(status);
    expect(OcspResponse.parse(der)).toMatchObject({ status, basic: undefined });
    expect(codeOf(() => verified(der))).toBe('RESPONDER_REFUSED');
  });

  it.each<[string, () => Promise<Uint8Array>]>([
    ['the responder', async () => response({ key: strangerKey })],
    ['the issuer', async () => responseByCa({ key: strangerKey })],
    ['the issuer, by name', async () => responseByCa({ key: strangerKey, responderId: 'byName' })],
  ])('refuses a signature by someone else than %s', async (_, make) => {
    const der = await make();
    expect(codeOf(() => verified(der))).toBe('SIGNATURE_INVALID');
  });

  it('refuses a signature by the issuer in the name of someone else', async () => {
    const der = await responseByCa({ responder: impostor, certificates: [] });
    expect(codeOf(() => verified(der))).toBe('CERTIFICATE_NOT_FOUND');
  });

  it('knows the issuer by its name as the certificate has it, and as its own certificate has it', async () => {
    const certificate = await certify(caKey, strangerKey, {
      issuer: caName.toLowerCase().replace('cn=', 'CN=').replace('o=', 'O='),
      subject: 'CN=Bob',
      serialNumber: 12,
      notBefore: minutesLater(-1),
      notAfter: minutesLater(1),
      extensions: [unknownExtension],
    });
    expect(certificate.issuer.equals(ca.subject)).toBe(false);
    for (const subjectName of [certificate.issuer, ca.subject]) {
      const issuer = { subject: subjectName, publicKey: ca.publicKey };
      const der = await response({ certId: certIdOf(certificate, issuer) });
      expect(verified(der, { certificate }).status.kind).toBe('good');
    }
  });

  it('refuses a CA of the same name that encloses its own certificate', async () => {
    const changes: ResponseChanges = { key: strangerKey, responder: impostor, certificates: [impostor] };
    for (const responderId of ['byKey', 'byName'] as const) {
      const der = await response({ ...changes, responderId });
      expect(codeOf(() => verified(der))).toBe('CERTIFICATE_NOT_TRUSTED');
    }
  });

  it.each<[string, () => Parameters<typeof certIdOf>]>([
    ['another serial number', () => [{ serialNumber: '1268' }]],
    ['a serial number that is the end of it', () => [{ serialNumber: subject.serialNumber.slice(-2) }]],
    ['an issuer of another key', () => [subject, impostor]],
    [
      'an issuer of another name',
      () => [subject, { subject: Name.fromString('CN=CB'), publicKey: ca.publicKey }],
    ],
  ])('refuses a response about %s', async (_, certificate) => {
    const der = await response({ certId: certIdOf(...certificate()) });
    expect(codeOf(() => verified(der))).toBe('RESPONSE_MISMATCH');
  });

  it('finds the answer among answers about others', async () => {
    const single = { status: { kind: 'unknown' }, thisUpdate: at } as const;
    const responses = [
      { ...single, certId: certIdOf({ serialNumber: '01' }) },
      { ...single, certId: certIdOf(), status: { kind: 'good' } as const },
      { ...single, certId: certIdOf(subject, impostor) },
    ];
    expect(verified(await response({ responses })).status.kind).toBe('good');
  });

  it('takes a nonce that is the one sent, and no other', async () => {
    const nonce = createOcspNonce();
    expect(nonce).toHaveLength(32);
    const withNonce = await response({ nonce });
    expect(OcspResponse.parse(withNonce).basic?.nonce).toEqual(nonce);
    expect(verified(withNonce, { nonce }).status.kind).toBe('good');
    expect(verified(withNonce).status.kind).toBe('good');
    for (const other of [createOcspNonce(), nonce.subarray(1), Uint8Array.from([...nonce, 0])]) {
      expect(codeOf(() => verified(withNonce, { nonce: other }))).toBe('RESPONSE_MISMATCH');
    }
    const without = await response();
    expect(codeOf(() => verified(without, { nonce }))).toBe('RESPONSE_MISMATCH');
  });

  describe('at the time in question', () => {
    const hour = 60;
    it.each<[string, ResponseChanges, Partial<OcspVerificationInputs>, boolean]>([
      ['as it begins', {}, { at }, true],
      ['before it begins, by what clocks may be off', {}, { at: minutesLater(-5) }, true],
      ['earlier than that', {}, { at: minutesLater(-5.01) }, false],
      ['as it ends', {}, { at: minutesLater(hour) }, true],
      ['after it ended, by what clocks may be off', {}, { at: minutesLater(hour + 5) }, true],
      ['later than that', {}, { at: minutesLater(hour + 5.01) }, false],
      [
        'after it ended, where clocks are never off',
        {},
        { at: minutesLater(hour + 0.01), clockSkewMs: 0 },
        false,
      ],
      [
        'before it begins, where clocks are never off',
        {},
        { at: minutesLater(-0.01), clockSkewMs: 0 },
        false,
      ],
      ['young and without an end', { nextUpdate: null }, { at: minutesLater(5) }, true],
      ['old and without an end', { nextUpdate: null }, { at: minutesLater(5.01) }, false],
      ['as old as is allowed', { nextUpdate: null }, { at: minutesLater(9), maxAgeMs: 540_000 }, true],
      ['not a time at all', {}, { at: new Date(Number.NaN) }, false],
    ])('%s: $3', async (_, changes, inputs, isTaken) => {
      const der = await responseByCa(changes);
      expect(codeOf(() => verified(der, inputs))).toBe(isTaken ? undefined : 'RESPONSE_NOT_CURRENT');
    });
  });

  it('refuses critical extensions that it does not know, and no others', async () => {
    const harmless = { ...unknownExtension, oid: '1.3.6.1.4.1.99999.2', critical: false };
    const nonce = extension('1.3.6.1.5.5.7.48.1.2', octetString(new Uint8Array(8)), true);
    expect(verified(await handmade({ extensions: [harmless, nonce] })).status.kind).toBe('good');
    const inResponse = await handmade({ extensions: [harmless, unknownExtension] });
    expect(codeOf(() => verified(inResponse))).toBe('EXTENSION_NOT_PROCESSED');
    expect(verified(await handmade({ responses: [singleWith(harmless)] })).status.kind).toBe('good');
    const inSingle = await handmade({ responses: [singleWith(unknownExtension)] });
    expect(codeOf(() => verified(inSingle))).toBe('EXTENSION_NOT_PROCESSED');
  });

  it.each<[string, () => Promise<Uint8Array>, number]>([
    ['by the issuer', async () => responseByCa({ nonce: createOcspNonce() }), 8],
    ['by a delegated responder', async () => response({ nonce: createOcspNonce() }), 1],
  ])('refuses a response %s in which any bit is altered', async (_, make, bitsPerOctet) => {
    const sound = await make();
    const nonce = OcspResponse.parse(sound).basic?.nonce;
    const accepted: number[] = [];
    for (let i = 0; i < sound.length * bitsPerOctet; i++) {
      const altered = Uint8Array.from(sound);
      const octet = Math.floor(i / bitsPerOctet);
      altered[octet] = (altered[octet] ?? 0) ^ (1 << (bitsPerOctet === 8 ? i % 8 : octet % 8));
      if (codeOf(() => verified(altered, nonce && { nonce })) === undefined) accepted.push(octet);
    }
    expect(accepted).toEqual([]);
    expect(verified(sound, nonce && { nonce }).status.kind).toBe('good');
  });
});

/** A single response with this extension. */
function singleWith(one: HandmadeExtension): Uint8Array {
  return sequence(certIdOf().der, element(0x80), generalizedTime(at), context(1, encodeExtensions([one])));
}
