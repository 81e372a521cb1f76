import {
  CertificateList,
  CountersignError,
  createCertificateList,
  createOcspErrorResponse,
  createOcspRequest,
  createOcspResponse,
  findPath,
  OcspRequest,
  OcspResponse,
  type Certificate,
  type CertificateStatus,
  type ErrorCode,
  type Key,
  type PathDiscoveryInputs,
  type RevocationReason,
} from '@countersign/core';
import { describe, expect, it } from 'vitest';
import { softwareKey } from '../enrollment/software-key.ts';
import {
  certify,
  extension,
  keyUsage,
  noCheck,
  ocspSigning,
  type HandmadeExtension,
} from '../ocsp/handmade.ts';
import { boolean, element, sequence } from '../path-validation/der.ts';

/** Root, issuing CA, end entity; each CA answers for what it issued. */

const at = new Date('2026-06-15T12:00:00Z');
const rootName = 'CN=Root';
const issuingName = 'CN=Issuing CA';
const [rootKey, issuingKey, holderKey, responderKey] = [
  await softwareKey('p256'),
  await softwareKey('p256'),
  await softwareKey('p256'),
  await softwareKey('p256'),
];
const ca = [
  extension('2.5.29.19', sequence(boolean(true)), true),
  // keyCertSign, cRLSign
  extension('2.5.29.15', element(0x03, Uint8Array.of(0x01, 0x06)), true),
];
const cRLSign = extension('2.5.29.15', element(0x03, Uint8Array.of(0x01, 0x02)), true);
const root = await issue(rootKey, rootName, rootKey, rootName, 1, ca);
const issuing = await issue(rootKey, rootName, issuingKey, issuingName, 2, ca);
const target = await issue(issuingKey, issuingName, holderKey, 'CN=Alice', 3, [keyUsage.digitalSignature]);
const responder = await issue(issuingKey, issuingName, responderKey, 'CN=OCSP', 4, [ocspSigning, noCheck]);

const good = { kind: 'good' } as const;
const unknown = { kind: 'unknown' } as const;
const revoked = { kind: 'revoked', revokedAt: minutesLater(-90), reason: 'keyCompromise' } as const;
const held = { ...revoked, reason: 'certificateHold' } as const;

const aboutIssuing = await answer(rootKey, root, issuing, good);
const aboutTarget = await answer(issuingKey, issuing, target, good);
const rootList = await list(rootKey, root, []);
const issuingList = await list(issuingKey, issuing, []);
const listWithTarget = await list(issuingKey, issuing, [target]);

/** What does not tell that every certificate of the path is good. */
const tooLittle: readonly (readonly [string, readonly OcspResponse[]])[] = [
  ['none', []],
  ['only that of the target', [aboutTarget]],
  ['only that of the issuing CA', [aboutIssuing]],
  ['one that is an error', [aboutIssuing, OcspResponse.parse(createOcspErrorResponse('tryLater'))]],
  ['one by the wrong CA', [aboutIssuing, await answer(rootKey, root, target, good)]],
  ['one with a wrong signature', [aboutIssuing, await answer(holderKey, issuing, target, good)]],
  ['one that says unknown', [aboutIssuing, await answer(issuingKey, issuing, target, unknown)]],
  ['one that has ended', [aboutIssuing, await answer(issuingKey, issuing, target, good, -120)]],
  ['one that is yet to come', [aboutIssuing, await answer(issuingKey, issuing, target, good, 10)]],
];

describe('findPath with OCSP responses', () => {
  it('needs one for every certificate of the path, and nothing else', () => {
    const { path } = findPath(target, inputs({ ocspResponses: [aboutTarget, aboutIssuing] }));
    expect(path).toEqual([issuing, target]);
  });

  it.each(tooLittle)('cannot tell from %s', (_, ocspResponses) => {
    expect(codeOf({ ocspResponses })).toBe('REVOCATION_UNKNOWN');
    // And with lists that know nothing of it either.
    expect(codeOf({ ocspResponses, certificateLists: [] })).toBe('REVOCATION_UNKNOWN');
  });

  it.each([revoked, held])('refuses a target that is revoked ($reason)', async (status) => {
    const ocspResponses = [aboutIssuing, await answer(issuingKey, issuing, target, status)];
    expect(codeOf({ ocspResponses })).toBe('CERTIFICATE_REVOKED');
  });

  it('refuses an issuing CA that is revoked', async () => {
    const ocspResponses = [aboutTarget, await answer(rootKey, root, issuing, revoked)];
    expect(codeOf({ ocspResponses })).toBe('CERTIFICATE_REVOKED');
  });

  it.each([
    ['released since', held, good, undefined],
    ['revoked since', good, revoked, 'CERTIFICATE_REVOKED'],
    ['forgotten since', good, unknown, 'REVOCATION_UNKNOWN'],
  ] as const)('holds to the newest: %s', async (_, before, after, code) => {
    const responses = [
      await answer(issuingKey, issuing, target, before, -30),
      await answer(issuingKey, issuing, target, after, -10),
    ];
    for (const order of [responses, responses.toReversed()]) {
      expect(codeOf({ ocspResponses: [aboutIssuing, ...order] })).toBe(code);
    }
  });

  it('holds to the worse of two of the same time', async () => {
    const responses = [aboutTarget, await answer(issuingKey, issuing, target, revoked)];
    for (const order of [responses, responses.toReversed()]) {
      expect(codeOf({ ocspResponses: [aboutIssuing, ...order] })).toBe('CERTIFICATE_REVOKED');
    }
  });

  describe('and CRLs', () => {
    const ocspGood = [aboutTarget, aboutIssuing];

    it('takes either where the other is silent', () => {
      expect(codeOf({ ocspResponses: ocspGood, certificateLists: [] })).toBeUndefined();
      expect(codeOf({ ocspResponses: [], certificateLists: [rootList, issuingList] })).toBeUndefined();
      expect(codeOf({ ocspResponses: [aboutTarget], certificateLists: [rootList] })).toBeUndefined();
      expect(codeOf({ ocspResponses: [aboutTarget], certificateLists: [issuingList] })).toBe(
        'REVOCATION_UNKNOWN',
      );
    });

    it('refuses what either says is revoked', async () => {
      const certificateLists = [rootList, listWithTarget];
      expect(codeOf({ ocspResponses: ocspGood, certificateLists })).toBe('CERTIFICATE_REVOKED');
      const ocspResponses = [aboutIssuing, await answer(issuingKey, issuing, target, revoked)];
      expect(codeOf({ ocspResponses, certificateLists: [rootList, issuingList] })).toBe(
        'CERTIFICATE_REVOKED',
      );
    });

    it('does not take the list of a signer that a response says is revoked', async () => {
      // Of the CA's name, with a key for lists alone.
      const signer = await issue(rootKey, rootName, holderKey, rootName, 6, [cRLSign]);
      const certificateLists = [await list(holderKey, root, []), issuingList];
      const certificates = [issuing, signer];
      for (const [status, code] of [
        [good, undefined],
        [revoked, 'REVOCATION_UNKNOWN'],
      ] as const) {
        const ocspResponses = [await answer(rootKey, root, signer, status)];
        expect(codeOf({ ocspResponses, certificateLists, certificates })).toBe(code);
      }
    });

    it('takes a list where a response cannot be used', async () => {
      const ocspResponses = [await answer(holderKey, issuing, target, revoked)];
      expect(codeOf({ ocspResponses, certificateLists: [rootList, issuingList] })).toBeUndefined();
    });
  });

  describe('of a delegated responder', () => {
    it('takes its word, whether its certificate is enclosed or among those given', async () => {
      const enclosed = await answer(responderKey, responder, target, good, 0, [responder]);
      expect(codeOf({ ocspResponses: [aboutIssuing, enclosed] })).toBeUndefined();
      const bare = await answer(responderKey, responder, target, good);
      expect(codeOf({ ocspResponses: [aboutIssuing, bare] })).toBe('REVOCATION_UNKNOWN');
      const certificates = [issuing, responder];
      expect(codeOf({ ocspResponses: [aboutIssuing, bare], certificates })).toBeUndefined();
    });

    it('does not take its word for the certificates of another CA', async () => {
      const aboutCa = await answer(responderKey, responder, issuing, good, 0, [responder]);
      expect(codeOf({ ocspResponses: [aboutTarget, aboutCa] })).toBe('REVOCATION_UNKNOWN');
    });

    it('asks the CRLs about one that must be checked itself', async () => {
      const checked = await issue(issuingKey, issuingName, responderKey, 'CN=OCSP', 5, [ocspSigning]);
      const ocspResponses = [aboutIssuing, await answer(responderKey, checked, target, good, 0, [checked])];
      expect(codeOf({ ocspResponses })).toBe('REVOCATION_UNKNOWN');
      expect(codeOf({ ocspResponses, certificateLists: [] })).toBe('REVOCATION_UNKNOWN');
      expect(codeOf({ ocspResponses, certificateLists: [issuingList] })).toBeUndefined();
      const saysRevoked = await answer(responderKey, checked, target, revoked, 0, [checked]);
      const both = (certificateLists: CertificateList[]): ErrorCode | undefined =>
        codeOf({ ocspResponses: [aboutIssuing, saysRevoked], certificateLists });
      expect(both([issuingList])).toBe('CERTIFICATE_REVOKED');
      // A responder that is revoked has no say: only the list counts, which does not have the target.
      expect(both([await list(issuingKey, issuing, [checked])])).toBeUndefined();
    });
  });
});

function inputs(changes: Partial<PathDiscoveryInputs>): PathDiscoveryInputs {
  return { trustAnchors: [root], certificates: [issuing], at, ...changes };
}

function codeOf(changes: Partial<PathDiscoveryInputs>): ErrorCode | undefined {
  try {
    findPath(target, inputs(changes));
    return undefined;
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}

/** A response of one hour, made so many minutes after the time of the tests, about a certificate of its issuer. */
async function answer(
  key: Key,
  signer: Certificate,
  certificate: Certificate,
  status: CertificateStatus<RevocationReason>,
  minutes = 0,
  certificates: readonly Certificate[] = [],
): Promise<OcspResponse> {
  const issuer = certificate.issuer.equals(root.subject) ? root : issuing;
  const [asked] = OcspRequest.parse(createOcspRequest({ certificates: [certificate], issuer })).requested;
  if (asked === undefined) throw new Error('a request asks for something');
  const [thisUpdate, nextUpdate] = [minutesLater(minutes), minutesLater(minutes + 60)];
  const der = await createOcspResponse(key, 'ecdsa-sha256', {
    responder: signer,
    producedAt: thisUpdate,
    responses: [{ certId: asked.certId, status, thisUpdate, nextUpdate }],
    certificates,
  });
  return OcspResponse.parse(der);
}

async function list(
  key: Key,
  issuer: Certificate,
  entries: readonly Certificate[],
): Promise<CertificateList> {
  const der = await createCertificateList(key, 'ecdsa-sha256', {
    issuer: issuer.subject,
    authorityKeyIdentifier: issuer.publicKey.keyIdentifier,
    number: 1,
    thisUpdate: at,
    nextUpdate: minutesLater(60),
    revoked: entries.map(({ serialNumber }) => ({ serialNumber, revokedAt: at, reason: 'keyCompromise' })),
  });
  return CertificateList.parse(der);
}

async function issue(
  signer: Key,
  issuer: string,
  holder: Key,
  subject: string,
  serialNumber: number,
  extensions: readonly HandmadeExtension[],
): Promise<Certificate> {
  const [notBefore, notAfter] = [new Date('2026-01-01T00:00:00Z'), new Date('2027-01-01T00:00:00Z')];
  return certify(signer, holder, { issuer, subject, serialNumber, notBefore, notAfter, extensions });
}

function minutesLater(minutes: number): Date {
  return new Date(at.getTime() + minutes * 60_000);
}
