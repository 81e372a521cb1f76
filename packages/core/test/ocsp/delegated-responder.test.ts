import { CountersignError, type Certificate, type ErrorCode } from '@countersign/core';
import { describe, expect, it } from 'vitest';
import { element, sequence } from '../path-validation/der.ts';
import {
  certify,
  extendedKeyUsage,
  extension,
  keyUsage,
  noCheck,
  ocspSigning,
  type HandmadeCertificate,
} from './handmade.ts';
import {
  ca,
  caKey,
  caName,
  codeOf,
  delegate,
  handmade,
  impostor,
  minutesLater,
  responder,
  response,
  strangerKey,
  subject,
  unknownExtension,
  verified,
} from './verification-fixture.ts';

describe('verifyOcspResponse, of a delegated responder', () => {
  it.each<[string, Partial<HandmadeCertificate>, ErrorCode | undefined]>([
    ['sound', {}, undefined],
    ['without key usage', { extensions: [ocspSigning, noCheck] }, undefined],
    [
      'that may sign, by another bit',
      { extensions: [keyUsage.nonRepudiation, ocspSigning, noCheck] },
      undefined,
    ],
    ['without the purpose', { extensions: [keyUsage.digitalSignature, noCheck] }, 'PURPOSE_NOT_PERMITTED'],
    [
      'with another purpose',
      { extensions: [extendedKeyUsage('1.3.6.1.5.5.7.3.1'), noCheck] },
      'PURPOSE_NOT_PERMITTED',
    ],
    ['with any purpose', { extensions: [extendedKeyUsage('2.5.29.37.0'), noCheck] }, 'PURPOSE_NOT_PERMITTED'],
    [
      'whose key is for certificates',
      { extensions: [keyUsage.keyCertSign, ocspSigning, noCheck] },
      'PURPOSE_NOT_PERMITTED',
    ],
    ['that expired', { notAfter: minutesLater(-1) }, 'CERTIFICATE_EXPIRED'],
    ['that is not yet valid', { notBefore: minutesLater(1) }, 'CERTIFICATE_NOT_YET_VALID'],
    ['of an issuer with another name', { issuer: 'CN=Other CA' }, 'CERTIFICATE_NOT_TRUSTED'],
    [
      'with an unknown critical extension',
      { extensions: [ocspSigning, noCheck, unknownExtension] },
      'EXTENSION_NOT_PROCESSED',
    ],
    ['that must be checked itself', { extensions: [ocspSigning] }, 'REVOCATION_UNKNOWN'],
  ])('%s: $2', async (_, changes, code) => {
    const certificate = await delegate(changes);
    const signed = await response({ responder: certificate, certificates: [certificate] });
    expect(codeOf(() => verified(signed))).toBe(code);
  });

  it('refuses one whom another CA of the same name certified', async () => {
    const certificate = await delegate({}, strangerKey);
    const der = await response({ responder: certificate, certificates: [certificate] });
    expect(codeOf(() => verified(der))).toBe('CERTIFICATE_NOT_TRUSTED');
  });

  it('refuses one whom a subordinate of the issuer certified', async () => {
    const subordinate = await certify(caKey, strangerKey, {
      issuer: caName,
      subject: 'CN=Subordinate',
      serialNumber: 2,
      notBefore: minutesLater(-1),
      notAfter: minutesLater(1),
      extensions: [extension('2.5.29.19', sequence(element(0x01, Uint8Array.of(0xff))), true)],
    });
    const certificate = await delegate({ issuer: 'CN=Subordinate' }, strangerKey);
    const der = await response({ responder: certificate, certificates: [certificate, subordinate] });
    expect(codeOf(() => verified(der))).toBe('CERTIFICATE_NOT_TRUSTED');
  });

  it('asks the caller about one that must be checked, and takes the answer', async () => {
    const certificate = await delegate({ extensions: [ocspSigning] });
    const der = await response({ responder: certificate, certificates: [certificate] });
    const asked: string[] = [];
    const note = (one: Certificate): void => void asked.push(one.serialNumber);
    expect(verified(der, { assertResponderNotRevoked: note }).status.kind).toBe('good');
    expect(asked).toEqual([certificate.serialNumber]);
    expect(codeOf(() => verified(der, { assertResponderNotRevoked: refuse }))).toBe('CERTIFICATE_REVOKED');
  });

  it('does not ask about one that says it need not be', async () => {
    expect(verified(await response(), { assertResponderNotRevoked: refuse }).status.kind).toBe('good');
  });

  it('finds its certificate enclosed or given, among others, or not at all', async () => {
    const der = await response({ certificates: [] });
    expect(codeOf(() => verified(der))).toBe('CERTIFICATE_NOT_FOUND');
    expect(codeOf(() => verified(der, { certificates: [subject, ca] }))).toBe('CERTIFICATE_NOT_FOUND');
    expect(verified(der, { certificates: [subject, responder] }).status.kind).toBe('good');
    const among = await response({ certificates: [subject, impostor, responder] });
    expect(verified(among).status.kind).toBe('good');
  });

  it('passes over enclosed certificates that it cannot read', async () => {
    const der = await handmade({ certificates: [sequence(), responder.der] });
    expect(verified(der).status.kind).toBe('good');
  });
});

function refuse(): never {
  throw new CountersignError('CERTIFICATE_REVOKED', 'revoked', 'none');
}
