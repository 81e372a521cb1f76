import { expect, test } from 'vitest';
import {
  commands,
  computePolicyDigest,
  entityNamedByHandle,
  executeCommand,
  listHandles,
  permanentHandles,
  policyAuthValue,
  policyCommandCode,
  policyGetDigest,
  policyOr,
  policySecret,
  sign,
  type AuthorizedEntity,
  type AuthSession,
  type PolicyAssertion,
  type PublicObject,
  type SessionPool,
} from '../../src/session/index.ts';
import { TpmWriter } from '../../src/session/wire/tpm-writer.ts';
import { endorsement, makeKey, makeSrk, owner, saltedPool, utf8 } from './keys.ts';
import { refusal } from './refusal.ts';
import { Swtpm } from './swtpm.ts';
import { sha256, verifies } from './verify-signature.ts';

const pin = utf8('482913');
const message = utf8('a message');
const ecdsa = { algorithm: 'ecdsa', hash: 'sha256' } as const;

test('the policy of the TCG endorsement key templates comes out', () => {
  const { name } = entityNamedByHandle(permanentHandles.endorsement);
  const expected = '837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa';
  expect(Buffer.from(computePolicyDigest('sha256', [{ kind: 'secret', name }])).toString('hex')).toBe(
    expected,
  );
});

test.each(['sha256', 'sha384'] as const)('digests computed here are those of the TPM, %s', async (hash) => {
  const tpm = await Swtpm.start();
  const srk = await makeSrk(tpm);
  const pool = saltedPool(tpm, srk, { hash });
  const policyRef = utf8('a reference');
  const assertions: PolicyAssertion[] = [];
  const session = await pool.startPolicySession('trial');
  const expectSame = async (assertion: PolicyAssertion): Promise<void> => {
    assertions.push(assertion);
    expect(await policyGetDigest(pool, session)).toEqual(computePolicyDigest(hash, assertions));
  };
  await policySecret(pool, session, endorsement);
  await expectSame({ kind: 'secret', name: endorsement.name });
  await policySecret(pool, session, owner, policyRef);
  await expectSame({ kind: 'secret', name: owner.name, policyRef });
  await policyAuthValue(pool, session);
  await expectSame({ kind: 'authValue' });
  await policyCommandCode(pool, session, commands.sign);
  await expectSame({ kind: 'commandCode', command: commands.sign });
  const digests = [computePolicyDigest(hash, assertions), computePolicyDigest(hash, [])];
  await policyOr(pool, session, digests);
  await expectSame({ kind: 'or', digests });
  await pool.endPolicySession(session);
  await pool.close();
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

test('a key under a policy of PIN and command signs in that policy alone', async () => {
  const { tpm, pool, key } = await policyScene([
    { kind: 'authValue' },
    { kind: 'commandCode', command: commands.sign },
  ]);
  const satisfy = async (): Promise<AuthSession> => {
    const session = await pool.startPolicySession();
    await policyAuthValue(pool, session);
    await policyCommandCode(pool, session, commands.sign);
    return session;
  };
  const used = await satisfy();
  expect(await signs(pool, key, used, pin)).toBe(true);
  expect((await refusal(async () => signs(pool, key, used, pin))).code).toBe('TPM_SESSION_NOT_USABLE');
  expect((await refusal(async () => policyAuthValue(pool, used))).code).toBe('TPM_SESSION_NOT_USABLE');
  const wrongPin = await satisfy();
  expect((await refusal(async () => signs(pool, key, wrongPin, utf8('482914')))).code).toBe('TPM_REFUSED');
  const unsatisfied = await pool.startPolicySession();
  expect((await refusal(async () => signs(pool, key, unsatisfied, pin))).code).toBe('TPM_REFUSED');
  const pinAlone: AuthorizedEntity = { ...key, authorization: { kind: 'hmac', authValue: pin } };
  expect((await refusal(async () => sign(pool, pinAlone, sha256(message), ecdsa))).code).toBe('TPM_REFUSED');
  const leftOpen = await satisfy();
  expect(leftOpen.usable).toBe(true);
  await pool.close();
  expect(leftOpen.usable).toBe(false);
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

test('a key under one policy or another signs in either, with or without its PIN', async () => {
  const branches = [
    computePolicyDigest('sha256', [{ kind: 'authValue' }]),
    computePolicyDigest('sha256', [{ kind: 'secret', name: owner.name }]),
  ];
  const { tpm, pool, key } = await policyScene([{ kind: 'or', digests: branches }]);
  const withPin = await pool.startPolicySession();
  await policyAuthValue(pool, withPin);
  await policyOr(pool, withPin, branches);
  expect(await signs(pool, key, withPin, pin)).toBe(true);
  const byOwner = await pool.startPolicySession();
  await policySecret(pool, byOwner, owner);
  await policyOr(pool, byOwner, branches);
  expect(await signs(pool, key, byOwner, undefined)).toBe(true);
  const neither = await pool.startPolicySession();
  expect((await refusal(async () => policyOr(pool, neither, branches))).code).toBe('TPM_REFUSED');
  await pool.close();
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

test('a policy session that goes on starts from nothing, without the PIN of before', async () => {
  const branches = [
    computePolicyDigest('sha256', [{ kind: 'authValue' }]),
    computePolicyDigest('sha256', [{ kind: 'secret', name: owner.name }]),
  ];
  const { tpm, pool, key } = await policyScene([{ kind: 'or', digests: branches }]);
  const session = await pool.startPolicySession();
  const parameters = new TpmWriter().sized(sha256(message)).u16(0x18).u16(0x0b).u16(0x8024);
  const command = {
    layout: commands.sign,
    handles: [key],
    parameters: parameters.u32(permanentHandles.null).u16(0).finish(),
  };
  const use = {
    kind: 'session',
    session,
    authValue: pin,
    decrypt: true,
    encrypt: false,
    audit: false,
  } as const;
  await policyAuthValue(pool, session);
  await policyOr(pool, session, branches);
  await executeCommand(tpm, command, [{ ...use, continueSession: true }]);
  await policySecret(pool, session, owner);
  await policyOr(pool, session, branches);
  await executeCommand(tpm, command, [{ ...use, continueSession: true }]);
  await pool.close();
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

test('branches that make no policy are refused before the TPM sees them', async () => {
  const digest = computePolicyDigest('sha256', []);
  for (const digests of [[], [digest], Array(9).fill(digest), [digest, digest.slice(1)]]) {
    const error = await refusal(() => computePolicyDigest('sha256', [{ kind: 'or', digests }]));
    expect(error.code).toBe('VALUE_OUT_OF_RANGE');
  }
});

async function policyScene(
  assertions: readonly PolicyAssertion[],
): Promise<{ readonly tpm: Swtpm; readonly pool: SessionPool; readonly key: PublicObject }> {
  const tpm = await Swtpm.start();
  const srk = await makeSrk(tpm);
  const pool = saltedPool(tpm, srk);
  const authPolicy = computePolicyDigest('sha256', assertions);
  return { tpm, pool, key: await makeKey(pool, srk, pin, { authPolicy, userWithAuth: false }) };
}

async function signs(
  pool: SessionPool,
  key: PublicObject,
  session: AuthSession,
  authValue: Uint8Array | undefined,
): Promise<boolean> {
  const authorization = {
    kind: 'policy',
    session,
    ...(authValue === undefined ? {} : { authValue }),
  } as const;
  const signature = await sign(pool, { ...key, authorization }, sha256(message), ecdsa);
  return verifies(key.publicArea, message, signature);
}
