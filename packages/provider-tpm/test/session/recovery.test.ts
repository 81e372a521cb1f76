import { expect, test } from 'vitest';
import {
  certify,
  clear,
  commands,
  evictControl,
  exchangeWithoutSessions,
  flushObject,
  getRandom,
  listHandles,
  sign,
  TpmRefusal,
  type PublicObject,
  type SessionPool,
  type TpmChannel,
} from '../../src/session/index.ts';
import { InterposedChannel, RecordingChannel } from './channels.ts';
import { hmac, lockout, makeKey, makeSrk, owner, saltedPool, utf8 } from './keys.ts';
import { refusal } from './refusal.ts';
import { Swtpm } from './swtpm.ts';
import { sha256, verifies } from './verify-signature.ts';

const pin = utf8('482913');
const message = utf8('a message');
const ecdsa = { algorithm: 'ecdsa', hash: 'sha256' } as const;
const persistentSrk = 0x81000001;
const persistentKey = 0x81000002;

test('one session does for many commands, also for those that are asked for at once', async () => {
  const tpm = new RecordingChannel(await Swtpm.start());
  const { pool, key } = await persistentScene(tpm);
  const before = tpm.commandsOf(commands.startAuthSession.code).length;
  const all = await Promise.all(Array.from({ length: 20 }, async () => signWith(pool, key)));
  expect(all).toEqual(Array(20).fill(true));
  expect(tpm.commandsOf(commands.startAuthSession.code).length - before).toBe(1);
  await pool.close();
  await pool.close();
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
  expect((await refusal(async () => getRandom(pool, 1))).code).toBe('PROVIDER_CLOSED');
});

test('after a reset, and after an eviction, work goes on in a new session with the same salt', async () => {
  const swtpm = await Swtpm.start();
  const tpm = new RecordingChannel(swtpm);
  const { pool, srk, key } = await persistentScene(tpm);
  tpm.messages.length = 0;
  expect(await signWith(pool, key)).toBe(true);
  await swtpm.reset();
  expect(await signWith(pool, key)).toBe(true);
  for (const handle of await listHandles(tpm, 'loadedSession')) {
    await exchangeWithoutSessions(tpm, {
      layout: commands.flushContext,
      handles: [],
      parameters: Uint8Array.of(handle >>> 24, 0, 0, handle & 0xff),
    });
  }
  expect(await signWith(pool, key)).toBe(true);
  await swtpm.reset();
  pool.forgetSessions();
  expect(await signWith(pool, key)).toBe(true);
  const starts = tpm.commandsOf(commands.startAuthSession.code);
  expect(starts.length).toBe(4);
  for (const start of starts) expect(Buffer.from(start).readUInt32BE(10)).toBe(srk.handle);
  await pool.close();
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

test('where the salt cannot be brought to the TPM any more, nothing is done instead', async () => {
  const tpm = new RecordingChannel(await Swtpm.start());
  const { pool, srk, key } = await persistentScene(tpm);
  await clear(pool, lockout);
  await pool.close();
  const again = saltedPool(tpm, srk);
  tpm.messages.length = 0;
  expect(await refusal(async () => signWith(again, key))).toBeInstanceOf(TpmRefusal);
  expect(tpm.messages.length).toBe(2);
  await again.close();
});

test('a wrong PIN is refused, leaves no session, and the right one works after it', async () => {
  const tpm = await Swtpm.start();
  const { pool, key } = await persistentScene(tpm);
  for (const wrong of ['482914', '', '4829130']) {
    const error = await refusal(async () => sign(pool, hmac(key, utf8(wrong)), sha256(message), ecdsa));
    expect(error).toMatchObject({ code: 'TPM_REFUSED', responseCode: 0x9a2 });
    expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
    expect(await signWith(pool, key)).toBe(true);
  }
  await pool.close();
});

test('a refusal that was forged does not make the TPM count the right PIN as a wrong one', async () => {
  const tpm = await Swtpm.start();
  const channel = new InterposedChannel(tpm);
  const { pool, srk } = await persistentScene(channel);
  const guarded = await makeKey(pool, srk, pin, { guessable: false });
  expect(await signWith(pool, guarded)).toBe(true);
  for (let round = 0; round < 5; round += 1) {
    channel.arm(commands.sign.code, {
      response: () => Uint8Array.of(0x80, 1, 0, 0, 0, 10, 0, 0, 0x09, 0x8e),
    });
    expect(await refusal(async () => signWith(pool, guarded))).toMatchObject({ responseCode: 0x98e });
    expect(await signWith(pool, guarded)).toBe(true);
  }
  expect(await lockoutCounter(tpm)).toBe(0);
  await refusal(async () => sign(pool, hmac(guarded, utf8('wrong')), sha256(message), ecdsa));
  expect(await lockoutCounter(tpm)).toBe(1);
  await flushObject(pool, guarded.handle);
  await pool.close();
});

test('a channel that fails leaves a session that is flushed once it works again', async () => {
  const tpm = await Swtpm.start();
  const channel = new InterposedChannel(tpm);
  const { pool, key } = await persistentScene(channel);
  expect(await signWith(pool, key)).toBe(true);
  channel.arm(commands.sign.code, {
    response: () => {
      throw new Error('the line is down');
    },
  });
  await expect(signWith(pool, key)).rejects.toThrow('the line is down');
  expect((await listHandles(tpm, 'loadedSession')).length).toBe(1);
  channel.arm(commands.flushContext.code, {
    response: () => {
      throw new Error('the line is down');
    },
  });
  await expect(pool.close()).rejects.toThrow('the line is down');
  await pool.close();
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

test('a bound pool, and commands with two authorizations, leave nothing behind', async () => {
  const tpm = await Swtpm.start();
  const { pool, srk, key } = await persistentScene(tpm);
  const bindValue = Uint8Array.from(pin);
  const bound = saltedPool(tpm, srk, { bind: { ...key, authValue: bindValue } });
  bindValue.fill(0);
  expect(await signWith(bound, key)).toBe(true);
  const { attest, signature } = await certify(bound, hmac(key, pin), hmac(key, pin), message, ecdsa);
  expect(verifies(key.publicArea, attest, signature)).toBe(true);
  expect((await listHandles(tpm, 'loadedSession')).length).toBe(1);
  await bound.close();
  await pool.close();
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

async function persistentScene(
  tpm: TpmChannel,
): Promise<{ readonly pool: SessionPool; readonly srk: PublicObject; readonly key: PublicObject }> {
  const transient = await makeSrk(tpm);
  const provisioning = saltedPool(tpm, transient);
  await evictControl(provisioning, owner, transient, persistentSrk);
  const key = await makeKey(provisioning, transient, pin);
  await evictControl(provisioning, owner, key, persistentKey);
  await flushObject(provisioning, key.handle);
  await flushObject(provisioning, transient.handle);
  await provisioning.close();
  const srk = { ...transient, handle: persistentSrk };
  return { pool: saltedPool(tpm, srk), srk, key: { ...key, handle: persistentKey } };
}

async function signWith(pool: SessionPool, key: PublicObject): Promise<boolean> {
  return verifies(key.publicArea, message, await sign(pool, hmac(key, pin), sha256(message), ecdsa));
}

/** TPM_PT_LOCKOUT_COUNTER. */
async function lockoutCounter(tpm: TpmChannel): Promise<number> {
  const parameters = Uint8Array.of(0, 0, 0, 6, 0, 0, 2, 0x0e, 0, 0, 0, 1);
  const response = await exchangeWithoutSessions(tpm, {
    layout: commands.getCapability,
    handles: [],
    parameters,
  });
  return Buffer.from(response.parameters).readUInt32BE(13);
}
