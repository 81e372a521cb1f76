import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  contextOfPayload,
  deriveMessageKey,
  openResponse,
  sealResponse,
} from '../../src/ra-service/session-key.ts';
import { refusal } from '../refusal.ts';

test('message keys are those that OpenSSL derives by SP 800-108 in counter mode', () => {
  for (let length = 1; length <= 64; length += 9) {
    const [sessionKey, context] = [randomBytes(32), randomBytes(length)];
    const parameters = [
      'mac:HMAC',
      'digest:SHA2-256',
      'mode:COUNTER',
      `hexkey:${sessionKey.toString('hex')}`,
      'salt:AzureAD-SecureConversation',
      `hexinfo:${context.toString('hex')}`,
    ].flatMap((parameter) => ['-kdfopt', parameter]);
    const derived = execFileSync('openssl', ['kdf', '-binary', '-keylen', '32', ...parameters, 'KBKDF']);
    expect(Buffer.from(deriveMessageKey(sessionKey, context)).toString('hex')).toBe(derived.toString('hex'));
  }
});

test('the context of version 2 depends on ctx and on the message', () => {
  const octets = fc.uint8Array({ minLength: 24, maxLength: 24 });
  fc.assert(
    fc.property(octets, octets, fc.uint8Array(), fc.uint8Array(), (ctx, otherCtx, payload, otherPayload) => {
      const context = Buffer.from(contextOfPayload(ctx, payload));
      const isSame = Buffer.compare(ctx, otherCtx) === 0 && Buffer.compare(payload, otherPayload) === 0;
      expect(context.equals(contextOfPayload(otherCtx, otherPayload))).toBe(isSame);
    }),
  );
});

test('an answer opens with its session key alone, and only unaltered', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.string()), fc.nat(), async (content, place) => {
      const sessionKey = randomBytes(32);
      const jwe = await sealResponse(content, sessionKey);
      expect(decodeProtectedHeader(jwe)).toMatchObject({ alg: 'dir', enc: 'A256GCM', kid: 'session' });
      expect(JSON.parse(Buffer.from(await openResponse(jwe, sessionKey)).toString())).toEqual({ ...content });
      await refusal(openResponse(jwe, randomBytes(32)), 'MESSAGE_MALFORMED');
      const at = place % jwe.length;
      const altered = `${jwe.slice(0, at)}${jwe[at] === 'Q' ? 'x' : 'Q'}${jwe.slice(at + 1)}`;
      // Bits after the last octet of a part of base64url stand for nothing.
      if (octetsOf(altered).join() === octetsOf(jwe).join()) return;
      await refusal(openResponse(altered, sessionKey), 'MESSAGE_MALFORMED');
    }),
    { numRuns: 100 },
  );
  for (const none of ['', 'a.b', '....', '{}']) {
    await refusal(openResponse(none, randomBytes(32)), 'MESSAGE_MALFORMED');
  }
});

function octetsOf(jwe: string): string[] {
  return jwe.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex'));
}
