import { createHash, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CertificationRequest, parseCmcResponse, verifyCmcResponse } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { refusal } from './refusal.ts';

/** A request to a real AD CS and its full PKI response, as MS-WSTEP 4.1.1.1 and 4.1.1.2 print them. */
const request = fromPem('ms-wstep-4.1.1-request.pem');
const response = fromPem('ms-wstep-4.1.1-response.pem');

function fromPem(name: string): Uint8Array {
  const pem = readFileSync(new URL(name, import.meta.url), 'latin1');
  return Uint8Array.from(Buffer.from(pem.replaceAll(/-----.*-----/gu, ''), 'base64'));
}

test('the response of AD CS says "Issued" and brings the certificate that its hash names', () => {
  const parsed = parseCmcResponse(response);
  expect(parsed.status).toBe('success');
  expect(parsed.statusInfos).toEqual([{ status: 'success', bodyParts: [1], statusString: 'Issued' }]);
  expect(parsed.controls.map(({ bodyPartId, type }) => [bodyPartId, type])).toEqual([
    [1, '1.3.6.1.5.5.7.7.1'],
    [2, '1.3.6.1.4.1.311.10.10.1'],
  ]);
  expect(parsed.certificates).toHaveLength(3);
  const { issuedCertificate } = parsed;
  const hash = createHash('sha1')
    .update(issuedCertificate?.der ?? new Uint8Array())
    .digest('hex');
  expect(hash).toBe('58acd78e7e61b11ad73b2c6b41badca9100faf8e');
  expect(issuedCertificate?.subject.toString()).toContain('CN=abby');
  expect(issuedCertificate?.publicKey.equals(CertificationRequest.parse(request).publicKey)).toBe(true);
});

test("the octets that its signature covers are those that the issuing CA's key signed", () => {
  const { signedMessage, certificates } = parseCmcResponse(response);
  const [signer] = signedMessage.signerInfos;
  const issuer = certificates.find(({ subject }) => subject.toString().includes('FB_EntSubCA'));
  if (signer === undefined || issuer === undefined) throw new Error('the vector has changed');
  const { signedOctets, signature } = signer;
  expect(verify('sha1', signedOctets, issuer.publicKey.keyObject, signature)).toBe(true);
});

test('its signature over SHA-1 is not taken for one today', async () => {
  const parsed = parseCmcResponse(response);
  const issuer = parsed.certificates.find(({ subject }) => subject.toString().includes('FB_EntSubCA'));
  if (issuer === undefined) throw new Error('the vector has changed');
  expect((await refusal(() => verifyCmcResponse(parsed, issuer))).code).toBe('ALGORITHM_NOT_SUPPORTED');
});

describe('the response is refused', () => {
  test('with any bit of the hash changed', async () => {
    const at = Buffer.from(response).indexOf('58acd78e7e61b11ad73b2c6b41badca9100faf8e', 'hex');
    expect(at).toBeGreaterThan(0);
    for (let bit = 0; bit < 160; bit++) {
      const altered = Uint8Array.from(response);
      altered[at + (bit >> 3)] = (altered[at + (bit >> 3)] ?? 0) ^ (1 << (bit & 7));
      expect((await refusal(() => parseCmcResponse(altered))).code).toBe('RESPONSE_MISMATCH');
    }
  });

  test('with any octet of the issued certificate changed', async () => {
    const { issuedCertificate } = parseCmcResponse(response);
    const der = Buffer.from(issuedCertificate?.der ?? []);
    const at = Buffer.from(response).indexOf(der);
    const codes = new Set<string>();
    for (let offset = 0; offset < der.length; offset++) {
      const altered = Uint8Array.from(response);
      altered[at + offset] = (altered[at + offset] ?? 0) ^ 1;
      codes.add((await refusal(() => parseCmcResponse(altered))).code);
    }
    expect(codes).toContain('RESPONSE_MISMATCH');
  });

  test('cut off anywhere', async () => {
    for (let length = 0; length < response.length; length += 7) {
      await refusal(() => parseCmcResponse(response.subarray(0, length)));
    }
  });
});
