import { expect, test } from 'vitest';
import { parseTpmAttest, PublicKey, verifyTpmKeyAttestation, type TpmKeyEvidence } from '@countersign/core';
import { refusal } from '../cmc/refusal.ts';
import { certified, createAttestedKey } from './attested-key.ts';
import {
  createTpmKey,
  join,
  redescribed,
  sized,
  u32,
  userKeyAttributes,
  type AttributeName,
} from './software-tpm.ts';

const { userKey, attestationKey, evidence, inputs } = createAttestedKey();
const sound = { extraData: inputs.nonce, name: userKey.name };

/** The code with which evidence is refused that the attestation key really signed, with these changes. */
async function codeOf(changed: Partial<TpmKeyEvidence>, changedInputs = inputs): Promise<string> {
  return (await refusal(() => verifyTpmKeyAttestation({ ...evidence, ...changed }, changedInputs))).code;
}

test('sound evidence is accepted, and tells of the TPM', async () => {
  const attestation = await verifyTpmKeyAttestation(evidence, inputs);
  expect(attestation.certifiedKey.name).toEqual(userKey.name);
  expect([...attestation.certifiedKey.attributes]).toEqual([
    'fixedTPM',
    'fixedParent',
    'sensitiveDataOrigin',
    'userWithAuth',
    'sign',
  ]);
  expect(attestation.clock).toEqual({ clockMs: 123456n, resetCount: 3, restartCount: 1, isSafe: true });
  expect(attestation.firmwareVersion).toBe(0x2019102300163636n);
  expect(attestation.attestationKey).toMatchObject({ kind: 'certificate' });
});

test('what no TPM generated is refused, though the attestation key signed it', async () => {
  const forged = certified(attestationKey, userKey, { ...sound, magic: 0xff544348 });
  expect(await codeOf(forged)).toBe('ATTESTATION_MAGIC_WRONG');
});

test.each([0x8014, 0x8016, 0x801a])('an attestation of type %i is refused', async (type) => {
  expect(await codeOf(certified(attestationKey, userKey, { ...sound, type }))).toBe('ATTESTATION_TYPE_WRONG');
});

test('a quote is no attestation of a key, though it is sound', async () => {
  const attested = join(u32(0), sized(new Uint8Array(32)));
  const quote = certified(attestationKey, userKey, { ...sound, type: 0x8018, attested });
  expect(parseTpmAttest(quote.attest)).toMatchObject({ type: 'quote', pcrDigest: new Uint8Array(32) });
  expect(await codeOf(quote)).toBe('ATTESTATION_TYPE_WRONG');
});

test.each([
  ['another nonce', Buffer.alloc(20, 1)],
  ['a shorter nonce', inputs.nonce.subarray(1)],
  ['no nonce', new Uint8Array()],
])('an attestation for %s is refused', async (_, extraData) => {
  const forged = certified(attestationKey, userKey, { ...sound, extraData });
  expect(await codeOf(forged)).toBe('ATTESTATION_NONCE_MISMATCH');
});

test('no attestation is accepted for an empty nonce', async () => {
  const forged = certified(attestationKey, userKey, { ...sound, extraData: new Uint8Array() });
  expect(await codeOf(forged, { ...inputs, nonce: new Uint8Array() })).toBe('ATTESTATION_NONCE_MISMATCH');
});

test('a public area that is not the one certified is refused', async () => {
  const other = createTpmKey();
  expect(await codeOf({ publicArea: other.area })).toBe('ATTESTATION_NAME_MISMATCH');
  const softer = redescribed(userKey, { attributes: [...userKeyAttributes, 'noDA'] });
  expect(await codeOf({ publicArea: softer.area })).toBe('ATTESTATION_NAME_MISMATCH');
});

test('evidence without the public area is refused', async () => {
  expect(await codeOf({ publicArea: undefined })).toBe('ATTESTATION_MISSING');
});

test('the attestation of another key than that of the request is refused', async () => {
  const publicKey = PublicKey.parse(createTpmKey().publicKey);
  expect(await codeOf({}, { ...inputs, publicKey })).toBe('ATTESTATION_KEY_MISMATCH');
});

const without = (name: AttributeName): readonly AttributeName[] =>
  userKeyAttributes.filter((attribute) => attribute !== name);
test.each<[string, readonly AttributeName[]]>([
  ['fixedTPM clear', without('fixedTPM')],
  ['fixedParent clear', without('fixedParent')],
  ['sensitiveDataOrigin clear', without('sensitiveDataOrigin')],
  ['sign clear', [...without('sign'), 'decrypt']],
  ['neither userWithAuth nor a policy', without('userWithAuth')],
  ['restricted set', [...userKeyAttributes, 'restricted']],
  ['encryptedDuplication set', [...userKeyAttributes, 'encryptedDuplication']],
])('a key with %s is refused', async (found, attributes) => {
  const key = redescribed(userKey, { attributes });
  const forged = certified(attestationKey, key, { ...sound, name: key.name });
  const error = await refusal(() => verifyTpmKeyAttestation({ ...evidence, ...forged }, inputs));
  expect(error.code).toBe('ATTESTATION_ATTRIBUTES_REFUSED');
  expect(error.message).toContain(`the certified key has ${found}`);
  expect(error.adcs?.hresult).toBe(0x8009481a);
});

test('a policy stands in for userWithAuth, and decrypt beside sign does no harm', async () => {
  const attributes: readonly AttributeName[] = [...without('userWithAuth'), 'decrypt'];
  const key = redescribed(userKey, { attributes, policy: new Uint8Array(32).fill(1) });
  const made = certified(attestationKey, key, { ...sound, name: key.name });
  const { certifiedKey } = await verifyTpmKeyAttestation({ ...evidence, ...made }, inputs);
  expect(certifiedKey.authPolicy).toEqual(new Uint8Array(32).fill(1));
});

test('a key that the policy does not list is refused', async () => {
  expect(await codeOf({}, { ...inputs, keyPolicy: { algorithms: ['rsa2048'] } })).toBe('KEY_NOT_ACCEPTABLE');
  for (const key of [userKey, attestationKey]) {
    const { keyId } = PublicKey.parse(key.publicKey);
    const keyPolicy = { isBlocked: (candidate: string) => candidate === keyId };
    expect(await codeOf({}, { ...inputs, keyPolicy })).toBe('KEY_BLOCKED');
  }
});

test('a signature that another key made, or over something else, is refused', async () => {
  const { signature } = certified(createTpmKey(), userKey, sound);
  expect(await codeOf({ signature })).toBe('ATTESTATION_SIGNATURE_INVALID');
  const over = certified(attestationKey, userKey, { ...sound, safe: 0 });
  expect(await codeOf({ signature: over.signature })).toBe('ATTESTATION_SIGNATURE_INVALID');
});
