import { expect, onTestFinished, test, vi } from 'vitest';
import {
  activateCredential,
  createPrimary,
  encodePublicArea,
  flushObject,
  getRandom,
  hierarchyChangeAuth,
  load,
  makeCredential,
  objectAttributes,
  objectChangeAuth,
  policySecret,
  SaltKey,
  SessionPool,
  sign,
  type TpmChannel,
} from '../../src/session/index.ts';
import { RecordingChannel } from './channels.ts';
import { endorsement, hmac, makeKey, makeSrk, owner, saltKeyOf, utf8, type SrkKind } from './keys.ts';
import { Swtpm } from './swtpm.ts';
import { sha256 } from './verify-signature.ts';

const pin = utf8('a PIN of 14 by');
const newPin = utf8('the PIN after it');
const ownerAuth = utf8('owner authValue');
const endorsementAuth = utf8('endorsement authValue');
const credential = utf8('the secret in a credential');

test.each<SrkKind>(['p256', 'rsa2048'])(
  'no secret crosses the bus in clear, salted with %s',
  async (kind) => {
    const tpm = await Swtpm.start();
    const srk = await makeSrk(tpm, kind);
    const salts = watchSalts(tpm);
    const bus = new RecordingChannel(salts.channel);
    const pool = new SessionPool(bus, { salt: saltKeyOf(srk) });
    const key = await makeKey(pool, srk, pin);
    const scheme = { algorithm: 'ecdsa', hash: 'sha256' } as const;
    await sign(pool, hmac(key, pin), sha256(pin), scheme);
    const privateArea = await objectChangeAuth(pool, hmac(key, pin), srk, newPin);
    await flushObject(pool, key.handle);
    const changed = await load(pool, hmac(srk), { ...key.blobs, privateArea });
    await sign(pool, hmac(changed, newPin), sha256(newPin), scheme);
    await hierarchyChangeAuth(pool, owner, ownerAuth);
    await hierarchyChangeAuth(pool, hmac(owner, ownerAuth), utf8('and another one'));
    await hierarchyChangeAuth(pool, endorsement, endorsementAuth);
    const random = await getRandom(pool, 48);
    expect(random.some((byte) => byte !== 0)).toBe(true);
    await activate(pool, changed, newPin);
    await pool.close();

    const secrets = [pin, newPin, ownerAuth, utf8('and another one'), endorsementAuth, credential];
    const digests = [sha256(pin), sha256(newPin), random.slice(0, 8), random.slice(32, 40)];
    expect(salts.copies.length).toBeGreaterThan(1);
    for (const salt of salts.copies) expect(salt.some((byte) => byte !== 0)).toBe(true);
    for (const secret of [...secrets, ...digests, ...salts.copies]) expect(bus.contains(secret)).toBe(false);
    for (const salt of salts.originals) expect(salt.every((byte) => byte === 0)).toBe(true);
    expect(bus.contains(key.name)).toBe(true);
  },
);

test('the search finds an authValue where a password session was asked for', async () => {
  const tpm = await Swtpm.start();
  const srk = await makeSrk(tpm);
  const bus = new RecordingChannel(tpm);
  const pool = new SessionPool(bus, { salt: saltKeyOf(srk) });
  const key = await makeKey(pool, srk, pin);
  expect(bus.contains(pin)).toBe(false);
  await objectChangeAuth(pool, { ...key, authorization: { kind: 'password', authValue: pin } }, srk, newPin);
  expect(bus.contains(pin)).toBe(true);
  expect(bus.contains(newPin)).toBe(false);
  await pool.close();
});

/** A credential made and activated by a decryption key that only the endorsement authValue authorizes. */
async function activate(
  pool: SessionPool,
  key: Parameters<typeof hmac>[0],
  keyPin: Uint8Array,
): Promise<void> {
  const attributes = objectAttributes;
  const empty = new Uint8Array();
  const publicArea = encodePublicArea({
    type: 'ecc',
    nameAlgorithm: 'sha256',
    attributes:
      attributes.fixedTpm |
      attributes.fixedParent |
      attributes.sensitiveDataOrigin |
      attributes.adminWithPolicy |
      attributes.restricted |
      attributes.decrypt,
    authPolicy: Buffer.from('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa', 'hex'),
    symmetricBits: 128,
    scheme: undefined,
    curve: 'p256',
    x: empty,
    y: empty,
  });
  const authority = hmac(endorsement, endorsementAuth);
  const endorsementKey = await createPrimary(pool, authority, { publicArea, authValue: empty });
  const blob = await makeCredential(pool, endorsementKey, credential, key.name);
  const session = await pool.startPolicySession();
  await policySecret(pool, session, authority);
  const authorization = { kind: 'policy', session } as const;
  const secret = await activateCredential(
    pool,
    hmac(key, keyPin),
    { ...endorsementKey, authorization },
    blob,
  );
  expect(secret).toEqual(credential);
  await flushObject(pool, endorsementKey.handle);
}

/** Every salt that is made, and copies from the moment at which the command that starts the session is sent. */
function watchSalts(tpm: TpmChannel): {
  readonly channel: TpmChannel;
  readonly originals: Uint8Array[];
  readonly copies: Uint8Array[];
} {
  const originals: Uint8Array[] = [];
  const copies: Uint8Array[] = [];
  const spy = vi.spyOn(SaltKey.prototype, 'createSalt');
  onTestFinished(() => spy.mockRestore());
  const channel = {
    exchange: async (command: Uint8Array): Promise<Uint8Array> => {
      for (const result of spy.mock.results.slice(copies.length)) {
        if (result.type !== 'return') throw new Error('a salt was not made');
        originals.push(result.value.salt);
        copies.push(Uint8Array.from(result.value.salt));
      }
      return tpm.exchange(command);
    },
  };
  return { channel, originals, copies };
}
