import { generateKeyPairSync, sign } from 'node:crypto';
import {
  createOcspNonce,
  createOcspRequest,
  createRootCertificate,
  Name,
  OcspResponse,
  verifyOcspResponse,
  type Certificate,
  type Key,
  type OcspVerificationInputs,
  type VerifiedOcspStatus,
} from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { softwareKey } from '../enrollment/software-key.ts';
import { certify, keyUsage, noCheck, ocspSigning, type HandmadeExtension } from './handmade.ts';
import { now } from './ocsp-fixture.ts';
import { hasOpenssl, OpensslFolder } from './openssl.ts';

/** `openssl ocsp -index` answers our requests, and we verify what it says. */

const caName = 'CN=CA,O=Contoso';
const ca = pemKey('p256', 'CA');
const caCertificate = await createRootCertificate(ca.key, Name.fromString(caName), now);
const responder = pemKey('p256', 'responder');
const day = 24 * 3_600_000;
const validity = { notBefore: new Date(now.getTime() - day), notAfter: new Date(now.getTime() + day) };
const holder = await softwareKey('p256');
const revokedAt = new Date(now.getTime() - 3_600_000);

/** Serial numbers and what openssl's index has of them. */
const statuses = {
  good: [0x11, undefined, { kind: 'good' }],
  revoked: [0x12, 'keyCompromise', { kind: 'revoked', revokedAt, reason: 'keyCompromise' }],
  held: [0x13, 'certificateHold', { kind: 'revoked', revokedAt, reason: 'certificateHold' }],
  'revoked for no stated reason': [0x14, '', { kind: 'revoked', revokedAt, reason: 'unspecified' }],
  unknown: [0x99, undefined, { kind: 'unknown' }],
} as const;

describe.runIf(hasOpenssl)('openssl ocsp as the responder to our requests', () => {
  test.each(Object.entries(statuses))(
    'says that a certificate is %s',
    async (_, [serialNumber, , expected]) => {
      expect((await ask({ serialNumber })).status).toEqual(expected);
    },
  );

  test.each(['sha1', 'sha256', 'sha384', 'sha512'] as const)(
    'knows our CertIDs made with %s',
    async (hash) => {
      expect((await ask({ hash })).status).toEqual({ kind: 'good' });
    },
  );

  test('repeats our nonce, and not another', async () => {
    const nonce = createOcspNonce();
    expect((await ask({ nonce }, { nonce })).status.kind).toBe('good');
    await expect(ask({ nonce }, { nonce: createOcspNonce() })).rejects.toMatchObject({
      code: 'RESPONSE_MISMATCH',
    });
  });

  test('may name the responder by name or by key', async () => {
    expect((await ask({ options: ['-resp_key_id'] })).status.kind).toBe('good');
    expect((await ask({})).status.kind).toBe('good');
  });

  test('may sign with the key of the CA itself', async () => {
    const options = ['-rsigner', 'ca.pem', '-rkey', 'ca.key'];
    const { status, responder: delegate } = await ask({ signer: options });
    expect([status.kind, delegate]).toEqual(['good', undefined]);
  });

  test('may say nothing of when it has news, or give a time', async () => {
    expect((await ask({ options: [] })).nextUpdate).toBeUndefined();
    const { thisUpdate, nextUpdate } = await ask({ options: ['-nmin', '30'] });
    expect(nextUpdate?.getTime()).toBe(thisUpdate.getTime() + 30 * 60_000);
  });

  test('may leave its certificate out where we have it', async () => {
    const options = ['-resp_no_certs'];
    await expect(ask({ options })).rejects.toMatchObject({ code: 'CERTIFICATE_NOT_FOUND' });
    const certificates = [await responderCertificate(sound)];
    expect((await ask({ options }, { certificates })).status.kind).toBe('good');
  });

  test('is not believed once its signature is bad', async () => {
    await expect(ask({ options: ['-badsig'] })).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
  });

  test('is not believed when its certificate was not given for this', async () => {
    const extensions = [keyUsage.digitalSignature, noCheck];
    await expect(ask({ extensions })).rejects.toMatchObject({ code: 'PURPOSE_NOT_PERMITTED' });
  });

  test('is not believed on a certificate of which nobody knows whether it is revoked', async () => {
    const extensions = [keyUsage.digitalSignature, ocspSigning];
    await expect(ask({ extensions })).rejects.toMatchObject({ code: 'REVOCATION_UNKNOWN' });
  });
});

const sound = [keyUsage.digitalSignature, ocspSigning, noCheck];

interface Question {
  readonly serialNumber?: number;
  readonly hash?: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  readonly nonce?: Uint8Array;
  readonly extensions?: readonly HandmadeExtension[];
  readonly signer?: readonly string[];
  readonly options?: readonly string[];
}

async function ask(
  question: Question,
  inputs: Partial<OcspVerificationInputs> = {},
): Promise<VerifiedOcspStatus> {
  const { serialNumber = 0x11, hash = 'sha1', nonce, extensions = sound, options = [] } = question;
  const { signer = ['-rsigner', 'responder.pem', '-rkey', 'responder.key'] } = question;
  const certificate = await certify(ca.key, holder, {
    ...validity,
    issuer: caName,
    subject: 'CN=Alice',
    serialNumber,
    extensions: [keyUsage.digitalSignature],
  });
  const request = createOcspRequest({
    certificates: [certificate],
    issuer: caCertificate,
    hash,
    ...(nonce && { nonce }),
  });
  const folder = await OpensslFolder.create();
  await folder.write('request.der', request);
  await folder.write('index.txt', index());
  await folder.write('ca.key', ca.pem);
  await folder.write('responder.key', responder.pem);
  await folder.writeCertificates('ca.pem', caCertificate);
  await folder.writeCertificates('responder.pem', await responderCertificate(extensions));
  const files = ['-index', 'index.txt', '-CA', 'ca.pem', '-reqin', 'request.der', '-respout', 'response.der'];
  const { said } = await folder.openssl('ocsp', ...files, ...signer, ...options, '-no_nonce');
  const der = await folder.read('response.der').catch((cause: unknown) => {
    throw new Error(`openssl wrote no response: ${said}`, { cause });
  });
  return verifyOcspResponse(OcspResponse.parse(der), {
    certificate,
    issuer: caCertificate,
    at: new Date(),
    ...inputs,
  });
}

async function responderCertificate(extensions: readonly HandmadeExtension[]): Promise<Certificate> {
  return certify(ca.key, responder.key, {
    ...validity,
    issuer: caName,
    subject: 'CN=Responder',
    serialNumber: 2,
    extensions,
  });
}

/** ca(1): status, expiry, revocation with its reason, serial number, file, subject. */
function index(): string {
  return Object.values(statuses)
    .filter(([, , { kind }]) => kind !== 'unknown')
    .map(([serialNumber, reason]) => {
      const revocation = reason === undefined ? '' : utcTime(revokedAt) + (reason === '' ? '' : `,${reason}`);
      const fields = [reason === undefined ? 'V' : 'R', utcTime(validity.notAfter), revocation];
      return [...fields, serialNumber.toString(16), 'unknown', '/CN=Alice'].join('\t') + '\n';
    })
    .join('');
}

function utcTime(date: Date): string {
  return `${date
    .toISOString()
    .replaceAll(/\.\d+Z|[-:T]/gu, '')
    .slice(2)}Z`;
}

/** A key that openssl can sign with as well. */
function pemKey(algorithm: 'p256', label: string): { key: Key; pem: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key: Key = {
    ref: `test:${label}`,
    label,
    algorithm,
    publicKey: Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' })),
    schemes: ['ecdsa-sha256'],
    sign: async (_, message) => Promise.resolve(Uint8Array.from(sign('sha256', message, privateKey))),
  };
  return { key, pem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() };
}
