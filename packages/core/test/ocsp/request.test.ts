import {
  CountersignError,
  createOcspNonce,
  createOcspRequest,
  OcspRequest,
  type ErrorCode,
} from '@countersign/core';
import { describe, expect, it, test } from 'vitest';
import { context, element, integer, octetString, oid, sequence } from '../path-validation/der.ts';
import { encodeExtensions, extension } from './handmade.ts';
import { createOcspService } from './ocsp-fixture.ts';
import { hasOpenssl, OpensslFolder } from './openssl.ts';

const service = await createOcspService();
const issuer = service.ca.certificate;
const certificate = await service.issue();
const { serialNumber } = certificate;

const sha1 = sequence(oid('1.3.14.3.2.26'), element(0x05));
const certId = sequence(sha1, octetString(new Uint8Array(20)), octetString(new Uint8Array(20)), integer(1));
const nonceId = '1.3.6.1.5.5.7.48.1.2';

describe('OcspRequest', () => {
  it('says what createOcspRequest was told', () => {
    const nonce = createOcspNonce();
    const certificates = [certificate, { serialNumber: '7f' }] as const;
    const request = OcspRequest.parse(createOcspRequest({ certificates, issuer, hash: 'sha256', nonce }));
    expect(request.requested.map((one) => one.certId)).toMatchObject([
      { hash: 'sha256', serialNumber },
      { hash: 'sha256', serialNumber: '7f' },
    ]);
    expect(request).toMatchObject({ nonce, isSigned: false, requestorName: undefined });
    expect(
      OcspRequest.parse(createOcspRequest({ certificates: [certificate], issuer })).nonce,
    ).toBeUndefined();
  });

  it('knows requestor names, extensions of single requests, and hashes that it cannot use', () => {
    const other = sequence(
      sequence(oid('1.2.840.113549.2.5'), element(0x05)),
      octetString(new Uint8Array(16)),
      octetString(new Uint8Array(16)),
      integer(0),
    );
    const harmless = encodeExtensions([extension('1.2.3', octetString(new Uint8Array()))]);
    const requestList = sequence(sequence(certId, context(0, harmless)), sequence(other));
    const name = context(1, element(0x82, Buffer.from('client.example')));
    const request = OcspRequest.parse(sequence(sequence(name, requestList)));
    expect(request.requestorName).toEqual({ kind: 'dNSName', text: 'client.example' });
    expect(request.requested).toMatchObject([
      { certId: { hash: 'sha1', serialNumber: '01' }, extensions: [{ oid: '1.2.3' }] },
      { certId: { hash: undefined, serialNumber: '00' }, extensions: [] },
    ]);
  });

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['an empty sequence', sequence()],
    ['no certificate', sequence(sequence(sequence()))],
    ['something after its end', Uint8Array.from([...sequence(tbs()), 0])],
    ['something after the signature', sequence(tbs(), element(0x05))],
    ['something after the extensions', sequence(tbs(element(0x05)))],
    [
      'the version that goes without saying',
      sequence(sequence(context(0, integer(0)), sequence(sequence(certId)))),
    ],
    ['version 2', sequence(sequence(context(0, integer(1)), sequence(sequence(certId))))],
    ['something after a CertID', sequence(sequence(sequence(sequence(certId, integer(1)))))],
    [
      'something in a CertID',
      sequence(
        sequence(
          sequence(
            sequence(sequence(sha1, octetString(certId), octetString(certId), integer(1), integer(1))),
          ),
        ),
      ),
    ],
    ['no extension in its extensions', sequence(tbs(context(2, sequence())))],
    ['a nonce of no octet', sequence(tbs(nonceOf(octetString(new Uint8Array()))))],
    ['a nonce of 129 octets', sequence(tbs(nonceOf(octetString(new Uint8Array(129)))))],
    ['a nonce that is no OCTET STRING', sequence(tbs(nonceOf(integer(5))))],
    [
      'a nonce with something after it',
      sequence(tbs(nonceOf(Uint8Array.from([...octetString(new Uint8Array(1)), 0])))),
    ],
    ['a signature that is none', sequence(tbs(), context(0, sequence()))],
    [
      'a CertID without serial number',
      sequence(sequence(sequence(sequence(sequence(sha1, octetString(certId), octetString(certId)))))),
    ],
    ['a requestor name that is none', sequence(sequence(context(1, sequence()), sequence(sequence(certId))))],
  ])('refuses a request with %s', (_, der) => {
    expect(codeOf(() => OcspRequest.parse(der))).toBe('DER_MALFORMED');
  });

  it.each([1, 16, 32, 128])('takes a nonce of %i octets', (length) => {
    const sent = new Uint8Array(length).fill(0xa5);
    expect(
      OcspRequest.parse(createOcspRequest({ certificates: [certificate], issuer, nonce: sent })).nonce,
    ).toEqual(sent);
  });

  it('refuses a request too large to be one', () => {
    expect(codeOf(() => OcspRequest.parse(new Uint8Array(64 * 1024 + 1)))).toBe('INPUT_TOO_LARGE');
  });
});

describe('createOcspRequest', () => {
  it.each([0, 129])('does not make a nonce of %i octets', (length) => {
    const work = (): unknown =>
      createOcspRequest({ certificates: [certificate], issuer, nonce: new Uint8Array(length) });
    expect(codeOf(work)).toBe('VALUE_OUT_OF_RANGE');
  });

  it.each(['', '0', '0x01', 'AB', '007f', 'ff80', 'zz'])('does not take "%s" for a serial number', (text) => {
    const work = (): unknown => createOcspRequest({ certificates: [{ serialNumber: text }], issuer });
    expect(codeOf(work)).toBe('VALUE_OUT_OF_RANGE');
  });
});

describe.runIf(hasOpenssl)('openssl ocsp', () => {
  test('writes the request that we write, octet for octet', async () => {
    const folder = await opensslFolder();
    const out = ['-no_nonce', '-reqout', 'request.der'];
    await folder.openssl('ocsp', '-issuer', 'ca.pem', '-cert', 'certificate.pem', '-serial', '0x7f', ...out);
    const ours = createOcspRequest({ certificates: [certificate, { serialNumber: '7f' }], issuer });
    expect(hex(ours)).toBe(hex(await folder.read('request.der')));
  });

  test.each(['sha1', 'sha256', 'sha384', 'sha512'] as const)(
    'writes requests with %s and nonce that we read',
    async (hash) => {
      const folder = await opensslFolder();
      await folder.openssl(
        'ocsp',
        '-issuer',
        'ca.pem',
        `-${hash}`,
        '-cert',
        'certificate.pem',
        '-reqout',
        'request.der',
      );
      const request = OcspRequest.parse(await folder.read('request.der'));
      const [ours] = OcspRequest.parse(
        createOcspRequest({ certificates: [certificate], issuer, hash }),
      ).requested;
      expect(request.requested).toMatchObject([
        {
          certId: {
            hash,
            serialNumber,
            issuerNameHash: ours?.certId.issuerNameHash,
            issuerKeyHash: ours?.certId.issuerKeyHash,
          },
        },
      ]);
      expect(request.nonce?.length).toBeGreaterThanOrEqual(16);
    },
  );

  test('signs requests, with certificates enclosed, that we read', async () => {
    const folder = await opensslFolder();
    await folder.openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=Client',
      '-keyout',
      'client.key',
      '-out',
      'client.pem',
    );
    const signer = ['-signer', 'client.pem', '-signkey', 'client.key'];
    await folder.openssl(
      'ocsp',
      '-issuer',
      'ca.pem',
      '-cert',
      'certificate.pem',
      ...signer,
      '-reqout',
      'request.der',
    );
    const request = OcspRequest.parse(await folder.read('request.der'));
    expect(request).toMatchObject({ isSigned: true, requestorName: { kind: 'directoryName' } });
    expect(request.requested).toMatchObject([{ certId: { serialNumber } }]);
  });

  test('reads what we write', async () => {
    const folder = await opensslFolder();
    const sent = createOcspNonce();
    await folder.write(
      'request.der',
      createOcspRequest({ certificates: [certificate], issuer, hash: 'sha256', nonce: sent }),
    );
    const { said } = await folder.openssl('ocsp', '-reqin', 'request.der', '-no_nonce', '-req_text');
    expect(said).toContain('Hash Algorithm: sha256');
    expect(said).toContain(`Serial Number: ${serialNumber.toUpperCase()}`);
    expect(said.replaceAll(/\s/g, '')).toContain(`OCSPNonce:0420${hex(sent).toUpperCase()}`);
  });
});

async function opensslFolder(): Promise<OpensslFolder> {
  const folder = await OpensslFolder.create();
  await folder.writeCertificates('ca.pem', issuer);
  await folder.writeCertificates('certificate.pem', certificate);
  return folder;
}

/** TBSRequest for one certificate, with this behind the list. */
function tbs(...rest: readonly Uint8Array[]): Uint8Array {
  return sequence(sequence(sequence(certId)), ...rest);
}

function nonceOf(value: Uint8Array): Uint8Array {
  return context(2, encodeExtensions([extension(nonceId, value)]));
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}

function codeOf(work: () => unknown): ErrorCode | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}
