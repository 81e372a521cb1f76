import { expect, test } from 'vitest';
import { leftovers, pin, providerOn, swtpm, verifies } from './running-provider.ts';

/** 24, or what COUNTERSIGN_KEYS says. */
const count = Number(process.env['COUNTERSIGN_KEYS'] ?? 24);

test(`${count} keys share three slots, in turn and all at once`, async () => {
  const tpm = await swtpm();
  const provider = await providerOn(tpm);
  const keys = [];
  for (let made = 0; made < count; made += 1) {
    keys.push(await provider.generate({ algorithm: 'p256', label: `key ${made}`, pin }));
  }
  for (let round = 0; round < 2; round += 1) {
    for (const key of keys) expect(await verifies(key, 'ecdsa-sha256')).toBe(true);
  }
  const messages = Array.from({ length: 3 }, (_, round) => Uint8Array.of(round));
  const atOnce = keys.flatMap((key) => messages.map(async (each) => verifies(key, 'ecdsa-sha256', each)));
  expect(new Set(await Promise.all(atOnce))).toEqual(new Set([true]));
  await provider.close();
  expect(await leftovers(tpm)).toEqual([]);
}, 600_000);
