import { expect, test } from 'vitest';
import {
  activateCredential,
  certify,
  computePolicyDigest,
  createPrimary,
  encodePublicArea,
  flushObject,
  listHandles,
  makeCredential,
  objectAttributes,
  policySecret,
  quote,
  SaltKey,
  SessionPool,
  sign,
  type SessionOptions,
} from '../../src/session/index.ts';
import { endorsement, hmac, makeKey, makeSrk, saltKeyOf, utf8 } from './keys.ts';
import { refusal } from './refusal.ts';
import { Swtpm } from './swtpm.ts';
import { sha256, verifies } from './verify-signature.ts';

const ecdsa = { algorithm: 'ecdsa', hash: 'sha256' } as const;
const nonce = utf8('the nonce of the verifier');
const pin = utf8('482913');

test.each(['p256', 'p384'] as const)(
  'a %s endorsement key activates a credential, and salts sessions',
  async (curve) => {
    const tpm = await Swtpm.start();
    const srk = await makeSrk(tpm);
    const pool = new SessionPool(tpm, { salt: saltKeyOf(srk) });
    const attestationKey = await makeKey(pool, srk, pin, { restricted: true });
    const template = { publicArea: endorsementTemplate(curve), authValue: new Uint8Array() };
    const endorsementKey = await createPrimary(pool, endorsement, template);
    const secret = utf8('a secret of up to 32 bytes');
    const blob = await makeCredential(pool, endorsementKey, secret, attestationKey.name);
    await pool.close();

    // From here on the endorsement key is what the sessions are salted to.
    const options: SessionOptions = {
      salt: SaltKey.pin(endorsementKey.handle, endorsementKey.publicArea, endorsementKey.name),
      ...(curve === 'p384' ? { hash: 'sha384', symmetric: 'aes-256-cfb' } : {}),
    };
    // The policy is over the endorsement key's nameAlg, and so is the session that satisfies it.
    const salted = new SessionPool(tpm, options);
    const activate = async (credential: typeof blob): Promise<Uint8Array> => {
      const session = await salted.startPolicySession();
      await policySecret(salted, session, endorsement);
      const authorization = { kind: 'policy', session } as const;
      return activateCredential(
        salted,
        hmac(attestationKey, pin),
        { ...endorsementKey, authorization },
        credential,
      );
    };
    expect(await activate(blob)).toEqual(secret);
    const altered = blob.credentialBlob.map((byte, index) => (index === 5 ? byte ^ 1 : byte));
    expect((await refusal(async () => activate({ ...blob, credentialBlob: altered }))).code).toBe(
      'TPM_REFUSED',
    );
    await flushObject(salted, endorsementKey.handle);
    await salted.close();
    expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
  },
);

test('Certify and Quote say what they were asked, signed by a restricted key that signs nothing else', async () => {
  const tpm = await Swtpm.start();
  const srk = await makeSrk(tpm);
  const pool = new SessionPool(tpm, { salt: saltKeyOf(srk) });
  const attestationKey = await makeKey(pool, srk, pin, { restricted: true });
  const userPin = utf8('of the user');
  const key = await makeKey(pool, srk, userPin);
  const certified = await certify(pool, hmac(key, userPin), hmac(attestationKey, pin), nonce, ecdsa);
  expect(verifies(attestationKey.publicArea, certified.attest, certified.signature)).toBe(true);
  for (const part of [nonce, key.name])
    expect(Buffer.from(certified.attest).indexOf(part)).toBeGreaterThan(0);
  await flushObject(pool, key.handle);
  const quoted = await quote(pool, hmac(attestationKey, pin), nonce, ecdsa, [
    { hash: 'sha256', pcrs: [0, 7, 23] },
  ]);
  expect(verifies(attestationKey.publicArea, quoted.attest, quoted.signature)).toBe(true);
  const selection = Buffer.from([0, 0, 0, 1, 0, 0x0b, 3, 0x81, 0, 0x80]);
  expect(Buffer.from(quoted.attest).indexOf(selection)).toBeGreaterThan(0);
  const foreign = sign(pool, hmac(attestationKey, pin), sha256(nonce), ecdsa);
  expect((await refusal(async () => foreign)).code).toBe('TPM_REFUSED');
  await pool.close();
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

test.each([
  ['rsassa', 'sha256'],
  ['rsapss', 'sha256'],
  ['rsassa', 'sha384'],
] as const)('an RSA key signs with %s and %s', async (algorithm, hash) => {
  const tpm = await Swtpm.start();
  const srk = await makeSrk(tpm, 'rsa2048');
  const pool = new SessionPool(tpm, { salt: saltKeyOf(srk) });
  const key = await makeKey(pool, srk, pin, { kind: 'rsa2048' });
  const { createHash } = await import('node:crypto');
  const digest = createHash(hash).update(nonce).digest();
  const signature = await sign(pool, hmac(key, pin), digest, { algorithm, hash });
  expect(verifies(key.publicArea, nonce, signature)).toBe(true);
  expect(verifies(key.publicArea, pin, signature)).toBe(false);
  await pool.close();
});

function endorsementTemplate(curve: 'p256' | 'p384'): Uint8Array {
  const hash = curve === 'p256' ? 'sha256' : 'sha384';
  const empty = new Uint8Array();
  return encodePublicArea({
    type: 'ecc',
    nameAlgorithm: hash,
    attributes:
      objectAttributes.fixedTpm |
      objectAttributes.fixedParent |
      objectAttributes.sensitiveDataOrigin |
      objectAttributes.adminWithPolicy |
      objectAttributes.restricted |
      objectAttributes.decrypt,
    authPolicy: computePolicyDigest(hash, [{ kind: 'secret', name: endorsement.name }]),
    symmetricBits: curve === 'p256' ? 128 : 256,
    scheme: undefined,
    curve,
    x: empty,
    y: empty,
  });
}
