import { env } from 'node:process';
import { expect, test } from 'vitest';
import { commands, listHandles, sign } from '../../src/session/index.ts';
import { RecordingChannel } from './channels.ts';
import { hmac, makeKey, makeSrk, saltedPool, utf8 } from './keys.ts';
import { Swtpm } from './swtpm.ts';
import { sha256, verifies } from './verify-signature.ts';

/** 400, or what COUNTERSIGN_SIGNATURES says: 70,000 is more than a 16-bit counter of commands would stand. */
const signatures = Number(env['COUNTERSIGN_SIGNATURES'] ?? 400);

test(`${signatures} signatures in two sessions, each verified`, async () => {
  expect(signatures).toBeGreaterThan(0);
  const tpm = new RecordingChannel(await Swtpm.start());
  const srk = await makeSrk(tpm);
  const pools = [saltedPool(tpm, srk), saltedPool(tpm, srk, { hash: 'sha384', symmetric: 'aes-256-cfb' })];
  const pin = utf8('482913');
  const [first] = pools;
  if (first === undefined) throw new Error('there is no pool');
  const key = await makeKey(first, srk, pin);
  let starts = 0;
  for (let index = 0; index < signatures; index += 1) {
    const message = utf8(`message ${index}`);
    const pool = pools[index % pools.length] ?? first;
    const signature = await sign(pool, hmac(key, pin), sha256(message), {
      algorithm: 'ecdsa',
      hash: 'sha256',
    });
    if (!verifies(key.publicArea, message, signature)) throw new Error(`signature ${index} is wrong`);
    starts += tpm.commandsOf(commands.startAuthSession.code).length;
    tpm.messages.length = 0;
  }
  // Two of provisioning and signing, one of the unsalted provisioning of the storage root key.
  expect(starts).toBe(3);
  for (const pool of pools) await pool.close();
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
}, 3_600_000);
