import {
  CountersignError,
  createOcspNonce,
  createOcspRequest,
  createOcspResponse,
  OcspRequest,
  OcspResponse,
  verifyOcspResponse,
  type CertIdHash,
  type CertificateStatus,
  type ErrorCode,
  type OcspResponder,
  type VerifiedOcspStatus,
} from '@countersign/core';
import { describe, expect, it } from 'vitest';
import { context, integer, octetString, oid, sequence } from '../path-validation/der.ts';
import { encodeExtensions, extension } from './handmade.ts';
import {
  certificateInState,
  createOcspService,
  now,
  states,
  type OcspService,
  type State,
} from './ocsp-fixture.ts';

const expected: Readonly<Record<State, CertificateStatus>> = {
  good: { kind: 'good' },
  revoked: { kind: 'revoked', revokedAt: now, reason: 'keyCompromise' },
  held: { kind: 'revoked', revokedAt: now, reason: 'certificateHold' },
  unknown: { kind: 'unknown' },
};
const hourMs = 3_600_000;

describe('OcspResponder', () => {
  for (const state of states) {
    it.each(['sha1', 'sha256', 'sha384', 'sha512'] as const)(
      `says of a certificate that is ${state} that it is, asked with %s`,
      async (hash) => {
        const service = await createOcspService();
        const certificate = await certificateInState(service, state);
        const { status, responder } = await ask(service, service.responder(), certificate, hash);
        expect(status).toEqual(expected[state]);
        expect(responder?.serialNumber).toBe(service.responderCertificate.serialNumber);
      },
    );
  }

  it('says of a certificate that was revoked and has expired that it is revoked', async () => {
    const service = await createOcspService();
    const certificate = await certificateInState(service, 'revoked');
    const { caKey: key, ca, clock } = service;
    clock.now = new Date(certificate.notAfter.getTime() + hourMs);
    const { status } = await ask(
      service,
      service.responder({ key, certificate: ca.certificate }),
      certificate,
    );
    expect(status).toEqual(expected.revoked);
  });

  it('does not call a serial number good that is only reserved', async () => {
    const service = await createOcspService();
    const reservation = {
      serialNumber: '4711',
      profile: 'kdc',
      subject: 'CN=dc1',
      agentSerialNumber: undefined,
      keyId: 'f'.repeat(64),
      keyOwner: 'nobody',
      requestDigest: '00',
      tbsCertificate: new Uint8Array(),
      notAfter: new Date(now.getTime() + hourMs),
      reservedAt: now,
    };
    await service.ledger.reserve(reservation);
    const asked = { serialNumber: '4711', issuer: service.ca.certificate.subject };
    expect((await ask(service, service.responder(), asked)).status.kind).toBe('unknown');
    await service.ledger.record('4711', new Uint8Array(1));
    expect((await ask(service, service.responder(), asked)).status.kind).toBe('good');
  });

  it('says what the ledger says at that time: a certificate released from hold is good', async () => {
    const service = await createOcspService();
    const certificate = await certificateInState(service, 'held');
    const entry = await service.ledger.find(certificate.serialNumber);
    if (entry === undefined) throw new Error('the certificate was issued');
    const released = { find: async () => Promise.resolve({ ...entry, revocation: undefined }) };
    expect((await ask(service, service.responder(), certificate)).status).toEqual(expected.held);
    expect((await ask(service, service.responder({ ledger: released }), certificate)).status.kind).toBe(
      'good',
    );
  });

  it('repeats the nonce and the CertIDs of the request, octet for octet, in their order', async () => {
    const service = await createOcspService();
    const nonce = createOcspNonce();
    const certificates = [await service.issue(), { serialNumber: '01' }, await service.issue()] as const;
    const der = createOcspRequest({ certificates, issuer: service.ca.certificate, nonce });
    const answer = await service.responder().respond(der);
    const basic = OcspResponse.parse(answer.der).basic;
    expect(basic?.nonce).toEqual(nonce);
    const asked = OcspRequest.parse(der).requested.map(({ certId }) => certId.der);
    expect(basic?.responses.map(({ certId }) => certId.der)).toEqual(asked);
    expect(basic?.responses.map(({ status }) => status.kind)).toEqual(['good', 'unknown', 'good']);
  });

  it('sends no nonce that it was not sent', async () => {
    const service = await createOcspService();
    const answer = await service.responder().respond(await aRequest(service));
    expect(OcspResponse.parse(answer.der).basic?.extensions).toEqual([]);
  });

  it.each<[number | undefined, number]>([
    [undefined, hourMs],
    [60_000, 60_000],
    // The responder's certificate lasts 14 days, ten minutes of which lie before its issuance.
    [30 * 24 * hourMs, 14 * 24 * hourMs - 601_000],
  ])(
    'is good for %s ms, as the operator wants, if its certificate lasts: %i',
    async (validityMs, expectedMs) => {
      const service = await createOcspService();
      const responder = service.responder(validityMs === undefined ? {} : { validityMs });
      const { thisUpdate, nextUpdate } = await ask(service, responder, await service.issue());
      expect(thisUpdate).toEqual(now);
      expect(nextUpdate).toEqual(new Date(now.getTime() + expectedMs));
    },
  );

  it.each(['byKey', 'byName'] as const)(
    'names itself %s, and encloses its certificate',
    async (responderId) => {
      const service = await createOcspService();
      const answer = await service.responder({ responderId }).respond(await aRequest(service));
      const basic = OcspResponse.parse(answer.der).basic;
      expect(basic?.responderId.kind).toBe(responderId);
      expect(basic?.certificates).toEqual([service.responderCertificate.der]);
    },
  );

  it('encloses nothing where the CA signs itself', async () => {
    const service = await createOcspService();
    const { caKey: key, ca } = service;
    const answer = await service
      .responder({ key, certificate: ca.certificate })
      .respond(await aRequest(service));
    expect(OcspResponse.parse(answer.der).basic?.certificates).toEqual([]);
  });

  it('answers malformed requests as such', async () => {
    const service = await createOcspService();
    const sound = await aRequest(service);
    const nonce = encodeExtensions([extension('1.3.6.1.5.5.7.48.1.2', octetString(new Uint8Array(200)))]);
    const withLongNonce = sequence(sequence(sequence(sequence(certIdIn(sound))), context(2, nonce)));
    for (const request of [
      new Uint8Array(),
      Uint8Array.from([...sound, 0]),
      sound.subarray(0, -1),
      withLongNonce,
    ]) {
      const answer = await service.responder().respond(request);
      expect(answer).toMatchObject({ status: 'malformedRequest', error: { code: 'DER_MALFORMED' } });
      // RFC 6960 4.2.1: OCSPResponse { malformedRequest (1) }.
      expect(Buffer.from(answer.der).toString('hex')).toBe('30030a0101');
    }
  });

  it('declines what is not for it before it has asked the ledger', async () => {
    const [service, other] = [await createOcspService(), await createOcspService()];
    const sound = await aRequest(service);
    const critical = encodeExtensions([extension('1.2.3', integer(1), true)]);
    // Of a hash that is unknown here, nobody can tell whose it is.
    const withMd5 = sequence(
      sequence(oid('1.2.840.113549.2.5')),
      octetString(new Uint8Array(16)),
      octetString(new Uint8Array(16)),
      integer(1),
    );
    const requests = [
      await aRequest(other),
      createOcspRequest({
        certificates: [{ serialNumber: '01' }, ...Array.from({ length: 64 }, () => ({ serialNumber: '02' }))],
        issuer: service.ca.certificate,
      }),
      sequence(sequence(sequence(sequence(withMd5)))),
      sequence(sequence(sequence(sequence(certIdIn(sound))), context(2, critical))),
      sequence(sequence(sequence(sequence(certIdIn(sound), context(0, critical))))),
    ];
    const ledger = { find: async () => Promise.reject(new Error('asked')) };
    for (const request of requests) {
      const answer = await service.responder({ ledger }).respond(request);
      expect(answer).toMatchObject({ status: 'unauthorized', error: { code: 'REVOCATION_UNKNOWN' } });
      expect(Buffer.from(answer.der).toString('hex')).toBe('30030a0106');
    }
  });

  it('answers for 64 certificates at once', async () => {
    const service = await createOcspService();
    const { serialNumber } = await service.issue();
    const rest = Array.from({ length: 63 }, () => ({ serialNumber }));
    const request = createOcspRequest({
      certificates: [{ serialNumber }, ...rest],
      issuer: service.ca.certificate,
    });
    const answer = await service.responder().respond(request);
    expect(OcspResponse.parse(answer.der).basic?.responses).toHaveLength(64);
  });

  it('knows nothing of certificates of another CA, not even by a serial number that it has', async () => {
    const [service, other] = [await createOcspService(), await createOcspService()];
    const certificate = await service.issue();
    const own = certIdIn(createOcspRequest({ certificates: [certificate], issuer: service.ca.certificate }));
    const foreign = certIdIn(
      createOcspRequest({ certificates: [certificate], issuer: other.ca.certificate }),
    );
    const request = sequence(sequence(sequence(sequence(own), sequence(foreign))));
    const answer = await service.responder().respond(request);
    const kinds = OcspResponse.parse(answer.der).basic?.responses.map(({ status }) => status.kind);
    expect(kinds).toEqual(['good', 'unknown']);
  });

  it('asks to try later while the ledger cannot be reached, and owns up to other failures', async () => {
    const service = await createOcspService();
    const request = await aRequest(service);
    const unavailable = new CountersignError('LEDGER_UNAVAILABLE', 'busy', 'Wait.');
    for (const [error, status] of [
      [unavailable, 'tryLater'],
      [new Error('broken'), 'internalError'],
    ] as const) {
      const responder = service.responder({ ledger: { find: async () => Promise.reject(error) } });
      expect(await responder.respond(request)).toMatchObject({ status, error });
    }
  });

  it('signs nothing once its certificate has expired', async () => {
    const service = await createOcspService();
    const request = await aRequest(service);
    service.clock.now = new Date(service.responderCertificate.notAfter.getTime() + 1000);
    const answer = await service.responder().respond(request);
    expect(answer).toMatchObject({ status: 'internalError', error: { code: 'CERTIFICATE_EXPIRED' } });
  });

  it('does not start with a key or a certificate whose answers nobody would take', async () => {
    const [service, other] = [await createOcspService(), await createOcspService()];
    const agent = await service.issue();
    const start: [() => OcspResponder, ErrorCode][] = [
      [() => service.responder({ key: other.responderKey }), 'CERTIFICATE_KEY_MISMATCH'],
      [() => service.responder({ issuer: other.ca.certificate }), 'CERTIFICATE_NOT_TRUSTED'],
      [
        () => service.responder({ key: keyOf(agent.publicKey.subjectPublicKeyInfo), certificate: agent }),
        'PURPOSE_NOT_PERMITTED',
      ],
    ];
    for (const [work, code] of start) {
      expect(work).toThrow(expect.objectContaining({ code }));
    }
    function keyOf(publicKey: Uint8Array): OcspService['caKey'] {
      return { ...service.caKey, publicKey };
    }
  });
});

describe('createOcspResponse', () => {
  it('does not make a response about nothing', async () => {
    const { ca, caKey } = await createOcspService();
    const work = createOcspResponse(caKey, 'ecdsa-sha256', {
      responder: ca.certificate,
      producedAt: now,
      responses: [],
    });
    await expect(work).rejects.toMatchObject({ code: 'VALUE_OUT_OF_RANGE' });
  });
});

async function aRequest(service: OcspService): Promise<Uint8Array> {
  return createOcspRequest({ certificates: [await service.issue()], issuer: service.ca.certificate });
}

function certIdIn(request: Uint8Array): Uint8Array {
  const [requested] = OcspRequest.parse(request).requested;
  if (requested === undefined) throw new Error('a request asks for something');
  return requested.certId.der;
}

/** Asks with a nonce and verifies the answer. */
async function ask(
  { ca, clock }: OcspService,
  responder: OcspResponder,
  certificate: Parameters<typeof verifyOcspResponse>[1]['certificate'],
  hash: CertIdHash = 'sha1',
): Promise<VerifiedOcspStatus> {
  const nonce = createOcspNonce();
  const issuer = ca.certificate;
  const answer = await responder.respond(
    createOcspRequest({ certificates: [certificate], issuer, hash, nonce }),
  );
  expect(answer.status).toBe('successful');
  return verifyOcspResponse(OcspResponse.parse(answer.der), { certificate, issuer, nonce, at: clock.now });
}
