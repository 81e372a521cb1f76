import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { formatPkcs11Uri } from '@countersign/provider-pkcs11';
import { expect, test } from 'vitest';
import { providerOn, softHsm, userPin, utf8 } from './module-under-test.ts';
import { verifies } from './verifies.ts';

const message = utf8('message');

test('two processes make, use and destroy keys on one token at once, and nothing is lost', async () => {
  const module = await softHsm();
  const provider = await providerOn(module);
  const kept = await provider.generate({ algorithm: 'p256', label: 'kept', pin: utf8(userPin) });
  const program = fileURLToPath(new URL('children/make-and-sign.ts', import.meta.url));
  const uri = formatPkcs11Uri({ token: module.tokenLabel, modulePath: module.modulePath });
  const child = spawn(
    process.execPath,
    [
      '--conditions=@countersign/source',
      '--experimental-strip-types',
      '--no-warnings',
      program,
      uri,
      userPin,
      '10',
    ],
    { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...module.environment } },
  );
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  child.stdin.write('go\n');
  for (let made = 0; made < 10; made += 1) {
    const key = await provider.generate({ algorithm: 'p256', label: `parent ${made}`, pin: utf8(userPin) });
    for (const signer of [key, kept]) {
      const signature = await signer.sign('ecdsa-sha256', message);
      expect(verifies('ecdsa-sha256', signer.publicKey, message, signature)).toBe(true);
    }
    if (made % 2 === 1) await provider.destroy(key.ref);
  }
  expect(await ended).toEqual([0, null]);
  const labels = (await provider.list()).map(({ label }) => label);
  const evens = [0, 2, 4, 6, 8];
  expect(new Set(labels)).toEqual(
    new Set(['kept', ...evens.flatMap((number) => [`parent ${number}`, `child ${number}`])]),
  );
  expect(labels).toHaveLength(11);
});
