import {
  createOcspRequest,
  createOcspResponse,
  createRootCertificate,
  Name,
  OcspRequest,
  OcspResponse,
  revocationReasonCodes,
  isRevocationReason,
  type CertificateStatus,
  type RevocationReason,
} from '@countersign/core';
import { Integer, Null, OctetString } from 'asn1js';
import * as fc from 'fast-check';
import * as pkijs from 'pkijs';
import { expect, test } from 'vitest';
import { softwareKey } from '../enrollment/software-key.ts';
import { certIdValues, hex, nonceIn, responderValues, statusValues } from './pkijs-values.ts';

/** What core writes pkijs reads as it was meant, and what pkijs writes core reads as it was meant. */

const cases = Number(process.env['COUNTERSIGN_CASES'] ?? 100);

const key = await softwareKey('p256');
const ca = await createRootCertificate(
  key,
  Name.fromString('CN=CA,O=Contoso'),
  new Date('2026-01-01T00:00:00Z'),
);

const hash = fc.constantFrom('sha1', 'sha256', 'sha384', 'sha512');
const hashOids = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};
/** Positive, as short as can be. */
const serialNumber = fc
  .tuple(fc.integer({ min: 1, max: 0x7f }), fc.uint8Array({ maxLength: 19 }))
  .map(([first, rest]) => Buffer.from([first, ...rest]).toString('hex'));
const nonce = fc.option(fc.uint8Array({ minLength: 1, maxLength: 128 }), { nil: undefined });
const time = fc
  .date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('2199-12-31T23:59:59Z'), noInvalidDate: true })
  .map((date) => new Date(Math.floor(date.getTime() / 1000) * 1000));
const reason = fc.constantFrom(...Object.keys(revocationReasonCodes).filter(isRevocationReason));
const status: fc.Arbitrary<CertificateStatus<RevocationReason>> = fc.oneof(
  fc.constant({ kind: 'good' as const }),
  fc.constant({ kind: 'unknown' as const }),
  fc.record({ kind: fc.constant('revoked' as const), revokedAt: time, reason }),
);
const single = fc.record({
  serialNumber,
  hash,
  status,
  thisUpdate: time,
  nextUpdate: fc.option(time, { nil: undefined }),
});

test(`pkijs reads ${cases} requests as they were meant`, () => {
  const serialNumbers = fc.array(serialNumber, { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(serialNumbers, hash, nonce, ([first = '01', ...rest], algorithm, sent) => {
      const certificates = [first, ...rest].map((one) => ({ serialNumber: one }));
      const [head = { serialNumber: '' }, ...tail] = certificates;
      const der = createOcspRequest({
        certificates: [head, ...tail],
        issuer: ca,
        hash: algorithm,
        ...(sent && { nonce: sent }),
      });
      const { tbsRequest } = pkijs.OCSPRequest.fromBER(Uint8Array.from(der));
      expect(tbsRequest.requestList.map(({ reqCert }) => certIdValues(reqCert))).toEqual(
        OcspRequest.parse(der).requested.map(({ certId }) => ({
          algorithm: hashOids[algorithm],
          name: hex(certId.issuerNameHash),
          key: hex(certId.issuerKeyHash),
          serialNumber: certId.serialNumber,
        })),
      );
      expect(
        tbsRequest.requestList.map(({ reqCert }) => hex(reqCert.serialNumber.valueBlock.valueHexView)),
      ).toEqual([first, ...rest]);
      expect(nonceIn(tbsRequest.requestExtensions)).toBe(sent && hex(sent));
    }),
    { numRuns: cases },
  );
});

test(`the hashes of the issuer are those that pkijs makes`, async () => {
  for (const algorithm of ['sha1', 'sha256', 'sha384', 'sha512'] as const) {
    const [requested] = OcspRequest.parse(
      createOcspRequest({ certificates: [ca], issuer: ca, hash: algorithm }),
    ).requested;
    const certificate = pkijs.Certificate.fromBER(Uint8Array.from(ca.der));
    const theirs = new pkijs.CertID();
    await theirs.createForCertificate(certificate, {
      hashAlgorithm: algorithm.replace('sha', 'SHA-'),
      issuerCertificate: certificate,
    });
    expect(hex(requested?.certId.issuerNameHash)).toBe(hex(theirs.issuerNameHash.valueBlock.valueHexView));
    expect(hex(requested?.certId.issuerKeyHash)).toBe(hex(theirs.issuerKeyHash.valueBlock.valueHexView));
  }
});

test(`pkijs reads ${cases} responses as they were meant`, async () => {
  const responses = fc.array(single, { minLength: 1, maxLength: 4 });
  const responderId = fc.constantFrom('byKey' as const, 'byName' as const);
  await fc.assert(
    fc.asyncProperty(
      responses,
      time,
      nonce,
      responderId,
      fc.boolean(),
      async (singles, producedAt, sent, kind, encloses) => {
        const der = await createOcspResponse(key, 'ecdsa-sha256', {
          responder: ca,
          responderId: kind,
          producedAt,
          responses: singles.map(({ nextUpdate, ...one }) => ({
            ...one,
            certId: certIdOf(one.serialNumber, one.hash),
            ...(nextUpdate && { nextUpdate }),
          })),
          certificates: encloses ? [ca] : [],
          ...(sent && { nonce: sent }),
        });
        const basic = basicResponseIn(der);
        const { tbsResponseData, certs } = basic;
        expect(tbsResponseData.producedAt).toEqual(producedAt);
        expect(nonceIn(tbsResponseData.responseExtensions)).toBe(sent && hex(sent));
        expect(certs?.map((one) => hex(one.toSchema(true).toBER()))).toEqual(
          encloses ? [hex(ca.der)] : undefined,
        );
        expect(responderValues(tbsResponseData.responderID)).toBe(
          hex(kind === 'byKey' ? ca.publicKey.keyIdentifier : ca.subject.der),
        );
        const read = tbsResponseData.responses.map((one) => ({
          certId: certIdValues(one.certID),
          status: statusValues(one.certStatus),
          thisUpdate: one.thisUpdate,
          nextUpdate: one.nextUpdate,
        }));
        expect(read).toEqual(
          singles.map((one) => ({
            certId: {
              algorithm: hashOids[one.hash],
              name: hex(certIdOf(one.serialNumber, one.hash).issuerNameHash),
              key: hex(certIdOf(one.serialNumber, one.hash).issuerKeyHash),
              serialNumber: one.serialNumber,
            },
            status: one.status,
            thisUpdate: one.thisUpdate,
            nextUpdate: one.nextUpdate,
          })),
        );
        // Core reads its own the same way.
        const own = OcspResponse.parse(der).basic;
        expect(own?.isSignedBy(ca.publicKey)).toBe(true);
        expect(own?.nonce).toEqual(sent);
        expect(own?.responses.map((one) => one.status)).toEqual(singles.map((one) => one.status));
        expect(own?.responses.map(({ thisUpdate, nextUpdate }) => [thisUpdate, nextUpdate])).toEqual(
          singles.map(({ thisUpdate, nextUpdate }) => [thisUpdate, nextUpdate]),
        );
      },
    ),
    { numRuns: cases },
  );
});

test(`core reads ${cases} requests of pkijs as they were meant`, () => {
  const serialNumbers = fc.array(serialNumber, { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(serialNumbers, hash, nonce, (asked, algorithm, sent) => {
      const request = new pkijs.OCSPRequest();
      request.tbsRequest.requestList = asked.map(
        (one) => new pkijs.Request({ reqCert: pkijsCertId(one, algorithm) }),
      );
      if (sent !== undefined) {
        const extnValue = new OctetString({ valueHex: Uint8Array.from(sent) }).toBER();
        request.tbsRequest.requestExtensions = [
          new pkijs.Extension({ extnID: '1.3.6.1.5.5.7.48.1.2', extnValue }),
        ];
      }
      const read = OcspRequest.parse(new Uint8Array(request.toSchema(true).toBER()));
      expect(read.requested.map(({ certId }) => certId.serialNumber)).toEqual(asked);
      expect(read.requested.map(({ certId }) => certId.hash)).toEqual(asked.map(() => algorithm));
      expect(read.nonce).toEqual(sent);
    }),
    { numRuns: cases },
  );
});

function pkijsCertId(serial: string, algorithm: keyof typeof hashOids): pkijs.CertID {
  return new pkijs.CertID({
    hashAlgorithm: new pkijs.AlgorithmIdentifier({
      algorithmId: hashOids[algorithm],
      algorithmParams: new Null(),
    }),
    issuerNameHash: new OctetString({ valueHex: new Uint8Array(20) }),
    issuerKeyHash: new OctetString({ valueHex: new Uint8Array(20) }),
    serialNumber: new Integer({ valueHex: Uint8Array.from(Buffer.from(serial, 'hex')) }),
  });
}

function certIdOf(
  serial: string,
  algorithm: keyof typeof hashOids,
): OcspRequest['requested'][number]['certId'] {
  const der = createOcspRequest({ certificates: [{ serialNumber: serial }], issuer: ca, hash: algorithm });
  const [requested] = OcspRequest.parse(der).requested;
  if (requested === undefined) throw new Error('a request asks for something');
  return requested.certId;
}

function basicResponseIn(der: Uint8Array): pkijs.BasicOCSPResponse {
  const response = pkijs.OCSPResponse.fromBER(Uint8Array.from(der));
  expect(response.responseStatus.valueBlock.valueDec).toBe(0);
  expect(response.responseBytes?.responseType).toBe('1.3.6.1.5.5.7.48.1.1');
  return pkijs.BasicOCSPResponse.fromBER(
    response.responseBytes?.response.valueBlock.valueHexView ?? new Uint8Array(),
  );
}
