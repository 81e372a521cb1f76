import { CountersignError, PublicKey } from '@countersign/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MessageObject } from '../../src/https/index.ts';
import { encodeNgcKey, parseNgcKey } from '../../src/registration/index.ts';
import {
  formatErrorBody,
  parseErrorBody,
  formatKeyRequest,
  parseKeyRequest,
} from '../../src/registration/protocol.ts';
import { startHttpsService } from '../../src/https/index.ts';
import { makeServerCertificate } from '../network/server-certificate.ts';
import { softwareKey } from '../network/software-key.ts';
import { refusal } from '../refusal.ts';

test('keys come back as they were sent', async () => {
  for (const algorithm of ['rsa2048', 'rsa3072', 'p256', 'p384', 'p521', 'ed25519'] as const) {
    const publicKey = PublicKey.parse((await softwareKey(algorithm)).publicKey);
    const body = Buffer.from(formatKeyRequest(encodeNgcKey(publicKey)));
    expect(parseNgcKey(parseKeyRequest(body)).equals(publicKey)).toBe(true);
  }
});

test('RSA keys are sent as BCRYPT_RSAKEY_BLOB of 283 octets (MS-ADTS 2.2.20.5.1)', async () => {
  const blob = Buffer.from(encodeNgcKey(PublicKey.parse((await softwareKey('rsa2048')).publicKey)));
  expect(blob.length).toBe(283);
  expect(blob.subarray(0, 27).toString('hex')).toBe('525341310008000003000000000100000000000000000000010001');
});

test('octets that are no key are refused, whatever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (octets) => {
      expect(() => parseNgcKey(octets)).toThrow(CountersignError);
    }),
    { numRuns: 500 },
  );
});

test('messages that are no JSON objects are refused, and what is in others is read as it is', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (octets) => {
      expect(() => MessageObject.parse(octets, 'message')).toThrow(CountersignError);
    }),
  );
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.jsonValue(), (name, value) => {
      const message = MessageObject.parse(Buffer.from(JSON.stringify({ [name]: value })), 'message');
      const read = (): string => message.string(name);
      if (typeof value === 'string' && value !== '') expect(read()).toBe(value);
      else expect(read).toThrow(CountersignError);
    }),
  );
});

test('refusals come back as they were sent, and what is the service’s own stays there', () => {
  const request = { target: '/EnrollmentServer/key', clientRequestId: undefined, at: new Date(0) };
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (message, hint) => {
      const body = Buffer.from(formatErrorBody(new CountersignError('MFA_REQUIRED', message, hint), request));
      expect(parseErrorBody({ status: 401, headers: {}, body })).toMatchObject({
        code: 'MFA_REQUIRED',
        message,
        hint,
      });
      const own = formatErrorBody(new CountersignError('STATE_DAMAGED', `<${message}>`, hint), request);
      expect(own).not.toContain(JSON.stringify(`<${message}>`).slice(1, -1));
    }),
  );
});

test('a service that cannot start says why, and leaves nothing open', async () => {
  const { tls } = await makeServerCertificate();
  const handler = {
    handle: async () => Promise.resolve({ status: 200, body: '' }),
    refuse: () => ({ status: 500, body: '' }),
  };
  const first = await startHttpsService(() => handler, { tls });
  const port = Number(new URL(first.url).port);
  await refusal(
    startHttpsService(() => handler, { tls, port }),
    'SERVICE_UNREACHABLE',
  );
  await first.close();
  await refusal(
    startHttpsService(() => handler, { tls: { ...tls, key: 'no key' } }),
    'SERVICE_UNREACHABLE',
  );
  const other = await makeServerCertificate();
  const mixed = { key: other.tls.key, cert: tls.cert };
  await refusal(
    startHttpsService(() => handler, { tls: mixed }),
    'SERVICE_UNREACHABLE',
  );
  const again = await startHttpsService(() => handler, { tls, port });
  await again.close();
});
