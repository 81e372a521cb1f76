import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  clear,
  createPrimary,
  dictionaryAttackLockReset,
  dictionaryAttackParameters,
  evictControl,
  flushObject,
  hierarchyChangeAuth,
  listHandles,
  nvRead,
  nvReadPublic,
  sign,
  type CommandLayout,
} from '../../src/session/index.ts';
import { TpmWriter } from '../../src/session/wire/tpm-writer.ts';
import { hmac, lockout, makeKey, makeSrk, owner, saltedPool, srkTemplate, utf8 } from './keys.ts';
import { refusal } from './refusal.ts';
import { Swtpm } from './swtpm.ts';
import { sha256 } from './verify-signature.ts';

const ecdsa = { algorithm: 'ecdsa', hash: 'sha256' } as const;
const ownerAuth = utf8('owner authValue');
const lockoutAuth = utf8('lockout authValue');

test('the authValue of a hierarchy is changed, also of one the session is bound to, and is asked for from then on', async () => {
  const tpm = await Swtpm.start();
  const srk = await makeSrk(tpm);
  const pool = saltedPool(tpm, srk);
  await hierarchyChangeAuth(pool, owner, ownerAuth);
  const persist = async (authValue?: Uint8Array): Promise<void> =>
    evictControl(pool, hmac(owner, authValue), srk, 0x81000001);
  expect(await refusal(persist)).toMatchObject({ code: 'TPM_REFUSED', responseCode: 0x9a2 });
  await persist(ownerAuth);
  const bound = saltedPool(tpm, srk, { bind: { ...owner, authValue: ownerAuth } });
  const another = utf8('another authValue');
  await hierarchyChangeAuth(bound, hmac(owner, ownerAuth), another);
  // The session is no longer bound: the TPM takes the new authValue into the HMAC, and so does this side.
  await hierarchyChangeAuth(bound, hmac(owner, another), ownerAuth);
  await hierarchyChangeAuth(bound, hmac(owner, ownerAuth), new Uint8Array());
  await bound.close();
  await pool.close();
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

test('lockout resets the count of wrong PINs, sets its limits and clears the TPM', async () => {
  const tpm = await Swtpm.start();
  const srk = await makeSrk(tpm);
  const pool = saltedPool(tpm, srk);
  const pin = utf8('482913');
  const key = await makeKey(pool, srk, pin, { guessable: false });
  await hierarchyChangeAuth(pool, lockout, lockoutAuth);
  const authority = hmac(lockout, lockoutAuth);
  const limits = { maxTries: 2, recoverySeconds: 7200, lockoutRecoverySeconds: 86400 };
  await dictionaryAttackParameters(pool, authority, limits);
  const signWith = async (value: Uint8Array): Promise<unknown> =>
    sign(pool, hmac(key, value), sha256(pin), ecdsa);
  for (const responseCode of [0x98e, 0x98e, 0x921]) {
    expect(await refusal(async () => signWith(utf8('wrong')))).toMatchObject({ responseCode });
  }
  expect(await refusal(async () => signWith(pin))).toMatchObject({ responseCode: 0x921 });
  await dictionaryAttackLockReset(pool, authority);
  await signWith(pin);
  await hierarchyChangeAuth(pool, owner, ownerAuth);
  // Persistent, or the salt key would go with the owner's hierarchy while it is in use.
  await clear(pool, authority);
  expect(await listHandles(tpm, 'transient')).toEqual([]);
  await pool.close();
  const again = saltedPool(tpm, await makeSrk(tpm));
  // The authValues are empty again.
  const made = await createPrimary(again, owner, { publicArea: srkTemplate('p256'), authValue: pin });
  await flushObject(again, made.handle);
  await dictionaryAttackLockReset(again, lockout);
  await again.close();
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

test('an NV index is read as it was written, with its own authValue and with that of the owner', async () => {
  const tpm = await Swtpm.start();
  const pool = saltedPool(tpm, await makeSrk(tpm));
  const index = 0x01500001;
  const indexAuth = utf8('index authValue');
  const data = randomBytes(1500);
  // AUTHWRITE, OWNERREAD, AUTHREAD, NO_DA.
  const attributes = 0x00000004 | 0x00020000 | 0x00040000 | 0x02000000;
  const publicInfo = new TpmWriter().u32(index).u16(0x0b).u32(attributes).u16(0).u16(data.length).finish();
  const defined = new TpmWriter().sized(indexAuth).sized(publicInfo).finish();
  await pool.execute({ layout: defineSpace, handles: [owner], parameters: defined }, [owner.authorization]);
  for (let offset = 0; offset < data.length; offset += 500) {
    const entity = await nvReadPublic(pool, index);
    const parameters = new TpmWriter()
      .sized(data.subarray(offset, offset + 500))
      .u16(offset)
      .finish();
    const authorization = { kind: 'hmac', authValue: indexAuth } as const;
    await pool.execute({ layout: write, handles: [entity, entity], parameters }, [authorization]);
  }
  const nv = await nvReadPublic(pool, index);
  expect(nv).toMatchObject({ handle: index, dataBytes: data.length });
  expect(await nvRead(pool, hmac(nv, indexAuth), nv)).toEqual(Uint8Array.from(data));
  expect(await nvRead(pool, owner, nv)).toEqual(Uint8Array.from(data));
  expect((await refusal(async () => nvRead(pool, hmac(nv, utf8('wrong')), nv))).code).toBe('TPM_REFUSED');
  const otherName = { ...nv, name: nv.name.map((byte, at) => (at === 9 ? byte ^ 1 : byte)) };
  expect((await refusal(async () => nvRead(pool, owner, otherName))).code).toBe('TPM_REFUSED');
  expect((await refusal(async () => nvReadPublic(pool, index + 1))).code).toBe('TPM_REFUSED');
  await pool.close();
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

const defineSpace: CommandLayout = {
  name: 'TPM2_NV_DefineSpace',
  code: 0x12a,
  handles: 1,
  authorized: 1,
  sizedRequest: true,
  sizedResponse: false,
  responseHandle: false,
};
const write: CommandLayout = { ...defineSpace, name: 'TPM2_NV_Write', code: 0x137, handles: 2 };
