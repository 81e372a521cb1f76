import { randomInt } from 'node:crypto';
import { CountersignError, type AttestsKey, type Key, type PinProtected } from '@countersign/core';
import type { TpmProvider } from '@countersign/provider-tpm';
import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import {
  allowFailures,
  failureCount,
  leftovers,
  message,
  providerOn,
  resetLockout,
  swtpm,
  verifies,
} from './running-provider.ts';
import { TpmProxy, type Alteration } from './tpm-proxy.ts';

/** 100, or what COUNTERSIGN_ALTERATIONS says. */
const alterations = Number(process.env['COUNTERSIGN_ALTERATIONS'] ?? 100);

const pin = Buffer.from('a PIN that is looked for');
const newPin = Buffer.from('the PIN that comes after');
const wrongPin = Buffer.from('not the right one at all');

test('no PIN crosses, in whatever form', async () => {
  const tpm = await swtpm();
  await allowFailures(tpm, 100, 3600);
  const proxy = await TpmProxy.before(tpm);
  const provider = await providerOn(proxy);
  const key = await provider.generate({ algorithm: 'p256', label: 'label', pin });
  await provider.generate({ algorithm: 'rsa2048', pin });
  key.lock();
  await key.unlock(pin);
  await refusal(async () => key.unlock(wrongPin));
  expect(await verifies(key, 'ecdsa-sha256')).toBe(true);
  await key.changePin(pin, newPin);
  expect(await verifies(key, 'ecdsa-sha256')).toBe(true);
  await key.attest(message);
  await provider.destroy(key.ref);
  await provider.close();
  // TPM2_Sign and TPM2_Create were among what was recorded.
  for (const code of [0x15d, 0x153]) {
    expect(proxy.messages.some((each) => each.readUInt32BE(6) === code)).toBe(true);
  }
  for (const secret of [pin, newPin, wrongPin]) {
    const hex = secret.toString('hex');
    const forms = [
      secret,
      Buffer.from(hex),
      Buffer.from(hex.toUpperCase()),
      Buffer.from(secret.toString(), 'utf16le'),
    ];
    for (const form of forms) expect(proxy.contains(form)).toBe(false);
    expect(proxy.contains(secret.subarray(0, 8))).toBe(false);
  }
});

test('the recorder would have found them: what is not encrypted shows', async () => {
  const tpm = await swtpm();
  const proxy = await TpmProxy.before(tpm);
  const provider = await providerOn(proxy);
  const key = await provider.generate({ algorithm: 'p256', pin });
  const { attest } = await key.attest(Buffer.from('a nonce in the open'));
  await provider.close();
  expect(Buffer.from(attest).includes('a nonce in the open')).toBe(true);
  const raw = Buffer.from(key.publicKey).subarray(-64, -32);
  expect(proxy.contains(raw)).toBe(true);
});

test(`${alterations} altered responses lead to no wrong result, and the provider goes on after each`, async () => {
  const tpm = await swtpm();
  await allowFailures(tpm, 100_000, 3600);
  const proxy = await TpmProxy.before(tpm);
  const provider = await providerOn(proxy);
  const key = await provider.generate({ algorithm: 'p256', pin });
  const counts = { refused: 0, right: 0 };
  const codes = new Map<string, number>();
  for (let altered = 0; altered < alterations; altered += 1) {
    const [use, name] = uses[altered % uses.length] ?? expect.unreachable();
    proxy.arm(kinds[randomInt(kinds.length)] ?? expect.unreachable());
    try {
      expect(await use(provider, key), `${name} after an alteration`).toBe(true);
      counts.right += 1;
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      counts.refused += 1;
      codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
    }
    if (key.locked) await recovered(async () => key.unlock(pin));
    expect(await recovered(async () => verifies(key, 'ecdsa-sha256'))).toBe(true);
  }
  process.stdout.write(
    `${alterations} alterations: ${counts.right} without consequence, ${counts.refused} refused: ${JSON.stringify(Object.fromEntries(codes))}\n`,
  );
  expect(counts.refused).toBeGreaterThan(alterations / 2);
  await provider.close();
  expect(await leftovers(tpm)).toEqual([]);
  await resetLockout(tpm);
  expect(await failureCount(tpm)).toBe(0);
}, 3_600_000);

type Use = (provider: TpmProvider, key: Key & AttestsKey & PinProtected) => Promise<boolean>;

const uses: readonly (readonly [Use, string])[] = [
  [async (_, key) => verifies(key, 'ecdsa-sha256'), 'sign'],
  [
    async (_, key) => {
      key.lock();
      await key.unlock(pin);
      return !key.locked;
    },
    'unlock',
  ],
  [
    async (provider) => {
      const made = await provider.generate({ algorithm: 'p256', pin });
      const isRight = await verifies(made, 'ecdsa-sha256');
      await provider.destroy(made.ref);
      return isRight;
    },
    'generate',
  ],
  [async (_, key) => (await key.attest(message)).attest.length > 100, 'attest'],
];

/** A bit, a drop, an earlier response, the same twice, one cut short, one of noughts. */
const kinds: readonly Alteration[] = [
  (response) => {
    const altered = Buffer.from(response);
    const at = randomInt(altered.length * 8);
    altered[at >> 3] = (altered[at >> 3] ?? 0) ^ (1 << (at & 7));
    return [altered];
  },
  () => [],
  (response, earlier) => [earlier[randomInt(earlier.length + 1)] ?? response.subarray(0, 9)],
  (response) => [response, response],
  (response) => [response.subarray(0, randomInt(response.length))],
  (response) => [Buffer.concat([response.subarray(0, 10), Buffer.alloc(response.length - 10)])],
];

/** What was altered may show at the next command as well: the second response of a doubled one, say. */
async function recovered<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CountersignError) || attempt === 3) throw error;
    }
  }
}
