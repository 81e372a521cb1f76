import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  AttestationChallenges,
  makeCredential,
  MemoryActivationStore,
  TpmPublicArea,
  verifyEndorsementKey,
} from '@countersign/core';
import { refusal } from '../cmc/refusal.ts';
import { at } from '../path-validation/hierarchy.ts';
import { createEndorsedTpm, endorsementKey, type TemplateName } from './endorsed-tpm.ts';
import { activateCredential } from './software-activation.ts';
import { attestationKeyAttributes, createTpmKey } from './software-tpm.ts';

const attestationKey = createTpmKey({ attributes: attestationKeyAttributes });

test.each<TemplateName>(['L-1', 'L-2', 'H-3'])(
  'a credential for an endorsement key of template %s is for that key and that Name alone',
  (template) => {
    const ek = endorsementKey(template);
    const secret = randomBytes(template === 'H-3' ? 48 : 32);
    const { credentialBlob, encryptedSecret } = makeCredential(
      TpmPublicArea.parse(ek.key.area),
      attestationKey.name,
      secret,
    );
    expect(activateCredential(ek, attestationKey.name, credentialBlob, encryptedSecret)).toEqual(
      Uint8Array.from(secret),
    );
    const otherName = createTpmKey().name;
    expect(activateCredential(ek, otherName, credentialBlob, encryptedSecret)).toBeUndefined();
  },
);

test('no credential is made for a key that cannot store, nor of a secret that does not fit', async () => {
  const signer = TpmPublicArea.parse(attestationKey.area);
  const { code } = await refusal(() => makeCredential(signer, attestationKey.name, randomBytes(32)));
  expect(code).toBe('EK_TEMPLATE_MISMATCH');
  const ek = TpmPublicArea.parse(endorsementKey('L-2').key.area);
  for (const length of [0, 33]) {
    const error = await refusal(() => makeCredential(ek, attestationKey.name, randomBytes(length)));
    expect(error.code).toBe('VALUE_OUT_OF_RANGE');
  }
});

const tpm = createEndorsedTpm();
const verified = await verifyEndorsementKey(tpm.inputs);

function service(clock: () => Date = () => at): {
  challenges: AttestationChallenges;
  store: MemoryActivationStore;
} {
  const store = new MemoryActivationStore();
  const challenges = new AttestationChallenges({ challenges: store, activations: store, clock });
  return { challenges, store };
}

async function answered(challenges: AttestationChallenges): Promise<{ id: string; secret: Uint8Array }> {
  const { id, credentialBlob, encryptedSecret } = await challenges.issue(attestationKey.area, verified);
  const secret = activateCredential(tpm.endorsementKey, attestationKey.name, credentialBlob, encryptedSecret);
  if (secret === undefined) throw new Error('the software TPM refused the credential');
  return { id, secret };
}

test('the right answer is remembered, with what is known of the endorsement key', async () => {
  const { challenges, store } = service();
  expect(await store.find(attestationKey.name)).toBeUndefined();
  const { id, secret } = await answered(challenges);
  const activation = await challenges.redeem(id, secret);
  expect(activation).toMatchObject({
    attestationKeyName: attestationKey.name,
    endorsementKey: tpm.endorsementKey.key.area,
    endorsement: { kind: 'certificate', identity: { model: 'SLB9672' } },
    activatedAt: at,
  });
  expect(await store.find(attestationKey.name)).toEqual(activation);
});

test('an answer is taken once, by one of those who bring it at the same time', async () => {
  const { challenges } = service();
  const { id, secret } = await answered(challenges);
  const results = await Promise.allSettled([challenges.redeem(id, secret), challenges.redeem(id, secret)]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect((await refusal(() => challenges.redeem(id, secret))).code).toBe('ATTESTATION_CHALLENGE_NOT_FOUND');
});

test('a wrong answer uses the challenge up', async () => {
  const { challenges, store } = service();
  const { id, secret } = await answered(challenges);
  for (const [answer, code] of [
    [randomBytes(32), 'ATTESTATION_CHALLENGE_FAILED'],
    [secret, 'ATTESTATION_CHALLENGE_NOT_FOUND'],
  ] as const) {
    expect((await refusal(() => challenges.redeem(id, answer))).code).toBe(code);
  }
  expect(await store.find(attestationKey.name)).toBeUndefined();
});

test('an answer that comes late is refused, and an expired challenge is dropped', async () => {
  let now = at;
  const { challenges, store } = service(() => now);
  const { id, secret } = await answered(challenges);
  const other = await answered(challenges);
  now = new Date(at.getTime() + 5 * 60 * 1000 + 1);
  expect((await refusal(() => challenges.redeem(id, secret))).code).toBe('ATTESTATION_CHALLENGE_EXPIRED');
  await challenges.issue(attestationKey.area, verified);
  expect(await store.take(other.id)).toBeUndefined();
});

test('an invalid clock lets no answer pass', async () => {
  let now = at;
  const { challenges } = service(() => now);
  const { id, secret } = await answered(challenges);
  now = new Date(Number.NaN);
  expect((await refusal(() => challenges.redeem(id, secret))).code).toBe('ATTESTATION_CHALLENGE_EXPIRED');
});

test('keys that are no attestation keys get no challenge', async () => {
  const { challenges } = service();
  const { code } = await refusal(() => challenges.issue(createTpmKey().area, verified));
  expect(code).toBe('ATTESTATION_ATTRIBUTES_REFUSED');
});

test('the store never sees the secret', async () => {
  const { challenges, store } = service();
  const { id, secret } = await answered(challenges);
  const pending = await store.take(id);
  const kept = Object.values(pending ?? {}).filter((value) => value instanceof Uint8Array);
  expect(kept).toHaveLength(3);
  for (const octets of kept) expect(Buffer.from(octets).includes(Buffer.from(secret))).toBe(false);
});
