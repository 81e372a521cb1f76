import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  applyAttestationPolicy,
  makeCredential,
  MemoryActivationStore,
  TpmPublicArea,
  type AttestationKeyBinding,
} from '@countersign/core';
import {
  activateCredential,
  collectEvidence,
  createAttestationKey,
  readEndorsementCertificate,
  withEndorsementKey,
  type LoadedKey,
  type NewAttestationKey,
} from '../../src/attestation/index.ts';
import { encodePublicArea, flushObject, listHandles, parsePublicArea } from '../../src/session/index.ts';
import { endorsement, hmac, makeKey, utf8 } from '../session/keys.ts';
import { refusal } from '../session/refusal.ts';
import { activatedAttestationKey, attestationKeyAuth, loaded, slotOf } from './endorsed-keys.ts';
import { ManufacturedTpm, type Client } from './manufactured-tpm.ts';
import { requestFor } from './requests.ts';

const pin = utf8('482913');
const nonce = utf8('the nonce of the verifier');

let tpm: ManufacturedTpm;
beforeAll(async () => {
  tpm = await ManufacturedTpm.start();
});
afterEach(async () => expect(await tpm.leftovers()).toBe(''));
afterAll(async () => tpm.stop());

interface Scene extends Client {
  readonly user: LoadedKey;
  readonly attestationKey: NewAttestationKey;
  readonly activations: MemoryActivationStore;
}

/** A user's key and an activated attestation key; whatever is loaded afterwards is flushed. */
async function withScene(work: (scene: Scene) => Promise<void>): Promise<void> {
  await tpm.use(async (client) => {
    const { pool, srk, queue } = client;
    const before = await listHandles(queue, 'transient');
    try {
      const { key, activations } = await activatedAttestationKey(tpm, client, 'L-1', 'p256');
      const user = loaded(await makeKey(pool, srk, pin), pin);
      await work({ ...client, user, attestationKey: key, activations });
      expect(await listHandles(queue, 'transient')).toHaveLength(before.length + 2);
    } finally {
      const left = (await listHandles(queue, 'transient')).filter((handle) => !before.includes(handle));
      for (const handle of left) await flushObject(pool, handle);
    }
  });
}

test('evidence for another nonce, or of an attestation key that nobody knows, is refused by the verifier', async () => {
  await withScene(async ({ pool, user, attestationKey, activations }) => {
    const signer = loaded(attestationKey, attestationKeyAuth);
    const evidence = await collectEvidence(pool, { key: user, attestationKey: signer, nonce });
    const request = await requestFor(pool, user, evidence);
    const verify = async (asked: Uint8Array, binding: AttestationKeyBinding): Promise<unknown> =>
      applyAttestationPolicy({ kind: 'required' }, request, () => ({
        nonce: asked,
        at: new Date(),
        binding,
        isUserAuthenticated: false,
      }));
    const { publicArea } = attestationKey;
    const known = { kind: 'activation', publicArea, activations } as const;
    const unknown = { kind: 'activation', publicArea, activations: new MemoryActivationStore() } as const;
    expect(await verify(nonce, known)).toMatchObject({ kind: 'verified' });
    expect((await refusal(async () => verify(utf8('another nonce'), known))).code).toBe(
      'ATTESTATION_NONCE_MISMATCH',
    );
    expect((await refusal(async () => verify(nonce, unknown))).code).toBe('ATTESTATION_KEY_NOT_BOUND');
  });
});

test('the attestation key of another TPM does not pass for the one that answered a challenge', async () => {
  const other = await ManufacturedTpm.start();
  try {
    const stolen = await other.use(async (client) => {
      const { key, activations } = await activatedAttestationKey(other, client, 'L-1', 'p256');
      await flushObject(client.pool, key.handle);
      return { publicArea: key.publicArea, activations };
    });
    await withScene(async ({ pool, user, attestationKey }) => {
      const signer = loaded(attestationKey, attestationKeyAuth);
      const evidence = await collectEvidence(pool, { key: user, attestationKey: signer, nonce });
      const request = await requestFor(pool, user, evidence);
      const error = await refusal(async () =>
        applyAttestationPolicy({ kind: 'required' }, request, () => ({
          nonce,
          at: new Date(),
          binding: { kind: 'activation', ...stolen },
          isUserAuthenticated: false,
        })),
      );
      expect(error.code).toBe('ATTESTATION_SIGNATURE_INVALID');
    });
  } finally {
    await other.stop();
  }
});

test.each(['L-1', 'L-2', 'H-1', 'H-3', 'H-4', 'H-6'])(
  'with the endorsement key of %s the TPM recovers no secret that is for another Name or key',
  async (name) => {
    await tpm.use(async ({ pool, srk, queue }) => {
      const key = await createAttestationKey(pool, hmac(srk), { authValue: attestationKeyAuth });
      const attestationKey = hmac(key, attestationKeyAuth);
      const slot = slotOf(name);
      const certificate = await readEndorsementCertificate(pool, slot);
      const [secret, before] = [randomBytes(32), await listHandles(queue, 'loadedSession')];
      await withEndorsementKey(pool, { slot, certificate }, async (ek) => {
        const area = TpmPublicArea.parse(ek.publicArea);
        const activate = async (credential: ReturnType<typeof makeCredential>): Promise<Uint8Array> =>
          activateCredential(pool, attestationKey, ek, credential);
        const right = makeCredential(area, key.name, secret);
        expect(await activate(right)).toEqual(Uint8Array.from(secret));
        const otherName = makeCredential(area, srk.name, secret);
        expect((await refusal(async () => activate(otherName))).code).toBe('TPM_REFUSED');
        const { encryptedSecret } = makeCredential(area, key.name, secret);
        expect((await refusal(async () => activate({ ...right, encryptedSecret }))).code).toBe('TPM_REFUSED');
        // Neither the wrong authValue of the attestation key nor that of the endorsement hierarchy leaves a session.
        for (const [auth, hierarchy] of [
          [utf8('wrong'), undefined],
          [attestationKeyAuth, { kind: 'hmac', authValue: utf8('wrong') }],
        ] as const) {
          const attempt = refusal(async () =>
            activateCredential(pool, hmac(key, auth), ek, right, hierarchy),
          );
          expect((await attempt).code).toBe('TPM_REFUSED');
        }
        expect(await activate(right)).toEqual(Uint8Array.from(secret));
      });
      await flushObject(pool, key.handle);
      expect(await listHandles(queue, 'loadedSession')).toHaveLength(before.length);
    });
  },
);

test('what is no endorsement key of a template is asked for no policy', async () => {
  await tpm.use(async ({ pool, srk }) => {
    const none = { credentialBlob: new Uint8Array(), encryptedSecret: new Uint8Array() };
    const error = await refusal(async () => activateCredential(pool, endorsement, srk, none));
    expect(error.code).toBe('EK_TEMPLATE_MISMATCH');
  });
});

test('keys, nonces and PINs that make no evidence are refused, and leave nothing', async () => {
  await withScene(async ({ pool, queue, user, attestationKey }) => {
    const signer = loaded(attestationKey, attestationKeyAuth);
    const collect = async (change: object): Promise<string> => {
      const sources = { key: user, attestationKey: signer, nonce, ...change };
      return (await refusal(async () => collectEvidence(pool, sources))).code;
    };
    for (const length of [0, 67]) {
      expect(await collect({ nonce: new Uint8Array(length) })).toBe('VALUE_OUT_OF_RANGE');
    }
    expect(await collect({ attestationKey: user })).toBe('ATTESTATION_ATTRIBUTES_REFUSED');
    const { publicArea } = attestationKey;
    expect(await collect({ key: { ...user, publicArea } })).toBe('ATTESTATION_NAME_MISMATCH');
    const altered = parsePublicArea(publicArea);
    const changed = encodePublicArea({ ...altered, attributes: altered.attributes ^ 0x40 });
    expect(await collect({ attestationKey: { ...signer, publicArea: changed } })).toBe(
      'ATTESTATION_NAME_MISMATCH',
    );
    const wrongPin = { kind: 'hmac', authValue: utf8('482914') };
    expect(await collect({ key: { ...user, authorization: wrongPin } })).toBe('TPM_REFUSED');
    expect(await listHandles(queue, 'loadedSession')).toEqual([]);
  });
});
