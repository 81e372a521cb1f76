import { createHmac } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { assertFresh, customVerifier, TotpVerifier } from '@countersign/hello';
import { URI } from 'otpauth';
import { describe, expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

const upn = 'alice@contoso.test';
const start = new Date('2026-05-06T07:08:00Z');

describe('TOTP', () => {
  test('takes the code of the present step, of the one before and of the one after, computed apart (RFC 6238)', async () => {
    for (const offset of [-30, 0, 30]) {
      const { verifier, secret } = await enrolled();
      const proof = await verifier.verify(upn.toUpperCase(), codeAt(secret, offset));
      expect(proof).toEqual({ upn: upn.toUpperCase(), method: 'otp', at: start });
    }
  });

  test.each([-90, -60, 60, 90])('does not take a code of %i seconds', async (offset) => {
    const { verifier, secret } = await enrolled();
    await refusal(verifier.verify(upn, codeAt(secret, offset)), 'MFA_FAILED');
  });

  test('takes a code once, also from another process, and none of the steps before it', async () => {
    const { verifier, secret, directory, clock } = await enrolled();
    await verifier.verify(upn, codeAt(secret, 0));
    await refusal(verifier.verify(upn, codeAt(secret, 0)), 'MFA_FAILED');
    await refusal(verifier.verify(upn, codeAt(secret, -30)), 'MFA_FAILED');
    const other = new TotpVerifier({ directory, issuer: 'Contoso', clock: () => clock.now });
    await refusal(other.verify(upn, codeAt(secret, 0)), 'MFA_FAILED');
    await other.verify(upn, codeAt(secret, 30));
  });

  test('of two who bring one code at once, one gets in', async () => {
    const { verifier, secret } = await enrolled();
    const both = [verifier.verify(upn, codeAt(secret, 0)), verifier.verify(upn, codeAt(secret, 0))];
    const settled = await Promise.allSettled(both);
    expect(settled.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  test('makes who guesses wait', async () => {
    const { verifier, secret, clock } = await enrolled();
    for (let tried = 0; tried < 5; tried += 1) {
      await refusal(verifier.verify(upn, Buffer.from('000000')), 'MFA_FAILED');
    }
    await expect(verifier.verify(upn, codeAt(secret, 0))).rejects.toThrow('too many wrong codes');
    clock.now = new Date(start.getTime() + 61_000);
    await verifier.verify(upn, codeAt(secret, 60));
  });

  test.each(['', '12345', '1234567', 'abcdef', '١٢٣٤٥٦'])('takes no %j for a code', async (text) => {
    const { verifier } = await enrolled();
    await refusal(verifier.verify(upn, Buffer.from(text)), 'MFA_FAILED');
  });

  test('knows nobody who was not enrolled, and no secret but the last', async () => {
    const { verifier, secret } = await enrolled();
    await refusal(verifier.verify('bob@contoso.test', codeAt(secret, 0)), 'MFA_FAILED');
    await verifier.enroll(upn);
    await refusal(verifier.verify(upn, codeAt(secret, 0)), 'MFA_FAILED');
  });

  test('keeps its secrets for its owner alone', async () => {
    const { directory, secret } = await enrolled();
    const path = join(directory, 'totp.json');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, 'utf8')).toContain(Buffer.from(secret).toString('hex'));
  });
});

describe('a verifier by callback', () => {
  test('says yes, no, or nothing in time', async () => {
    const proof = await customVerifier('push', async () => true, { clock: () => start }).verify(
      upn,
      Buffer.of(),
    );
    expect(proof).toEqual({ upn, method: 'push', at: start });
    await refusal(customVerifier('push', async () => false).verify(upn, Buffer.of()), 'MFA_FAILED');
    const broken = customVerifier('push', async () => {
      throw new Error('the gateway is down');
    });
    await refusal(broken.verify(upn, Buffer.of()), 'MFA_FAILED');
    let wasTold = false;
    const slow = customVerifier(
      'push',
      async (_, __, signal) => {
        await delay(10_000, undefined, { signal }).catch(() => (wasTold = true));
        return true;
      },
      { timeoutMs: 20 },
    );
    await refusal(slow.verify(upn, Buffer.of()), 'MFA_TIMED_OUT');
    await delay(5);
    expect(wasTold).toBe(true);
  });
});

describe('a proof', () => {
  const proof = { upn, method: 'otp', at: start };
  const after = (ms: number): Date => new Date(start.getTime() + ms);

  test.each([0, 1, 600_000])('is fresh %i ms later', (ms) => {
    expect(() => assertFresh(proof, 'ALICE@contoso.test', after(ms))).not.toThrow();
  });

  test.each([
    ['600,001 ms later', upn, after(600_001)],
    ['before it was given', upn, after(-1)],
    ['of another user', 'bob@contoso.test', start],
    ['by a broken clock', upn, new Date(Number.NaN)],
  ])('is not good %s', async (_, who, now) => {
    await refusal(
      Promise.resolve().then(() => assertFresh(proof, who, now)),
      'MFA_FAILED',
    );
  });
});

async function enrolled() {
  const directory = await temporaryDirectory();
  const clock = { now: start };
  const verifier = new TotpVerifier({ directory, issuer: 'Contoso', clock: () => clock.now });
  const uri = await verifier.enroll(upn);
  expect(uri).toMatch(/^otpauth:\/\/totp\/Contoso:alice%40contoso\.test\?/);
  const parsed = URI.parse(uri);
  return { verifier, directory, clock, secret: new Uint8Array(parsed.secret.buffer) };
}

/** RFC 4226 5.3 over the step of RFC 6238, without the library. */
function codeAt(secret: Uint8Array, offsetSeconds: number): Uint8Array {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor((start.getTime() / 1000 + offsetSeconds) / 30)));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const number = mac.readUInt32BE((mac.at(-1) ?? 0) & 0xf) & 0x7fffffff;
  return Buffer.from(String(number % 1_000_000).padStart(6, '0'));
}
