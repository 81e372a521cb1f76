import { expect, test } from 'vitest';
import { verifyTpmKeyAttestation, type TpmKeyEvidence } from '@countersign/core';
import { refusal } from '../cmc/refusal.ts';
import { activated, attestationCertificateFields, createAttestedKey, ecdsaSha256 } from './attested-key.ts';
import {
  attestationKeyAttributes,
  createTpmKey,
  join,
  sized,
  tpmSignature,
  u16,
  type Hash,
  type TpmKey,
  type TpmScheme,
} from './software-tpm.ts';

const attested = createAttestedKey();
const { evidence, inputs } = attested;

const keys = {
  rsa: createTpmKey({ algorithm: 'rsa2048', attributes: attestationKeyAttributes }),
  p256: attested.attestationKey,
  p384: createTpmKey({ algorithm: 'p384', attributes: attestationKeyAttributes }),
  p521: createTpmKey({ algorithm: 'p521', attributes: attestationKeyAttributes }),
};

/** The sound evidence with this signature, and a certificate of the key that made it. */
function signedBy(key: TpmKey, signature: Uint8Array): TpmKeyEvidence {
  const certificate = attested.intermediate.issue(key, attestationCertificateFields());
  return { ...evidence, signature, certificates: [certificate.der, ...evidence.certificates.slice(1)] };
}

async function codeOf(key: TpmKey, signature: Uint8Array): Promise<string> {
  return (await refusal(() => verifyTpmKeyAttestation(signedBy(key, signature), inputs))).code;
}

const cases: readonly (readonly [keyof typeof keys, TpmScheme, Hash])[] = [
  ['rsa', 'rsassa', 'sha256'],
  ['rsa', 'rsassa', 'sha512'],
  ['rsa', 'rsapss', 'sha256'],
  ['rsa', 'rsapss', 'sha384'],
  ['rsa', 'rsapss-longest-salt', 'sha256'],
  ['p256', 'ecdsa', 'sha256'],
  ['p384', 'ecdsa', 'sha384'],
  ['p521', 'ecdsa', 'sha512'],
];

test.each(cases)(
  'a %s signature (%s, %s) is verified, and refused with an octet changed',
  async (name, scheme, hash) => {
    const key = keys[name];
    const signature = tpmSignature(key, scheme, evidence.attest, hash);
    const { attestationKey } = await verifyTpmKeyAttestation(signedBy(key, signature), inputs);
    expect(attestationKey.publicKey.subjectPublicKeyInfo).toEqual(key.publicKey);
    const altered = Uint8Array.from(signature, (octet, i) =>
      i === signature.length - 9 ? octet ^ 1 : octet,
    );
    expect(await codeOf(key, altered)).toBe('ATTESTATION_SIGNATURE_INVALID');
  },
);

test.each<Hash>(['sha256', 'sha384', 'sha512'])(
  'an RSA value of %s without its head is verified',
  async (hash) => {
    const signature = tpmSignature(keys.rsa, 'rsassa', evidence.attest, hash).subarray(6);
    const { attestationKey } = await verifyTpmKeyAttestation(signedBy(keys.rsa, signature), inputs);
    expect(attestationKey.publicKey.algorithm).toBe('rsa2048');
  },
);

test('PSS with a salt of another length, or without its head, is refused', async () => {
  for (const saltLength of [0, 20]) {
    const signature = tpmSignature(keys.rsa, 'rsapss', evidence.attest, 'sha256', saltLength);
    expect(await codeOf(keys.rsa, signature)).toBe('ATTESTATION_SIGNATURE_INVALID');
  }
  const bare = tpmSignature(keys.rsa, 'rsapss', evidence.attest).subarray(6);
  expect(await codeOf(keys.rsa, bare)).toBe('ATTESTATION_SIGNATURE_INVALID');
});

test('a signature that names another scheme, hash or kind of key is refused', async () => {
  const pss = tpmSignature(keys.rsa, 'rsapss', evidence.attest);
  expect(await codeOf(keys.rsa, join(u16(0x0014), pss.subarray(2)))).toBe('ATTESTATION_SIGNATURE_INVALID');
  expect(await codeOf(keys.rsa, join(u16(0x0016), u16(0x000c), pss.subarray(4)))).toBe(
    'ATTESTATION_SIGNATURE_INVALID',
  );
  const longest = tpmSignature(keys.rsa, 'rsapss-longest-salt', evidence.attest);
  expect(await codeOf(keys.rsa, join(u16(0x0014), longest.subarray(2)))).toBe(
    'ATTESTATION_SIGNATURE_INVALID',
  );
  expect(await codeOf(keys.p256, pss)).toBe('ATTESTATION_SIGNATURE_INVALID');
});

test('ECDSA values out of range are refused', async () => {
  const zero = join(ecdsaSha256, sized(new Uint8Array(32)), sized(new Uint8Array(32)));
  expect(await codeOf(keys.p256, zero)).toBe('ATTESTATION_SIGNATURE_INVALID');
  expect(await codeOf(keys.p256, join(ecdsaSha256, sized(new Uint8Array()), sized(new Uint8Array())))).toBe(
    'ATTESTATION_SIGNATURE_INVALID',
  );
});

test.each([
  ['SHA-1', join(u16(0x0014), u16(0x0004))],
  ['ECDAA', join(u16(0x001a), u16(0x000b))],
  ['HMAC', join(u16(0x0005), u16(0x000b))],
  ['no scheme', u16(0x0010)],
])('a signature of %s is refused', async (_, head) => {
  expect(await codeOf(keys.rsa, join(head, sized(new Uint8Array(256))))).toBe(
    'ATTESTATION_ALGORITHM_REFUSED',
  );
});

test('a signature that is cut off or goes on is malformed', async () => {
  const signature = tpmSignature(keys.p256, 'ecdsa', evidence.attest);
  expect(await codeOf(keys.p256, signature.subarray(0, 40))).toBe('ATTESTATION_MALFORMED');
  expect(await codeOf(keys.p256, join(signature, Uint8Array.of(0)))).toBe('ATTESTATION_MALFORMED');
});

test('a key whose public area names a scheme signs with no other', async () => {
  const { evidence: bare, inputs: known } = await activated(attested);
  const signature = tpmSignature(keys.p256, 'ecdsa', evidence.attest, 'sha512');
  const error = await refusal(() => verifyTpmKeyAttestation({ ...bare, signature }, known));
  expect(error.code).toBe('ATTESTATION_SIGNATURE_INVALID');
});
