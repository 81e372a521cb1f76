import { expect, test } from 'vitest';
import {
  MemoryActivationStore,
  verifyTpmKeyAttestation,
  type Certificate,
  type TpmKeyAttestationInputs,
  type TpmKeyEvidence,
} from '@countersign/core';
import { refusal } from '../cmc/refusal.ts';
import { Authority, ca, extendedKeyUsage, type CertificateFields } from '../path-validation/hierarchy.ts';
import {
  activated,
  aikPurpose,
  attestationCertificateFields,
  certified,
  createAttestedKey,
} from './attested-key.ts';
import { usage } from './endorsed-tpm.ts';
import { attestationKeyAttributes, createTpmKey, redescribed, type AttributeName } from './software-tpm.ts';

const attested = createAttestedKey();
const { attestationKey, userKey, evidence, inputs, intermediate, root } = attested;

async function codeOf(changed: Partial<TpmKeyEvidence>, changedInputs = inputs): Promise<string> {
  return (await refusal(() => verifyTpmKeyAttestation({ ...evidence, ...changed }, changedInputs))).code;
}

/** The chain with this in place of the attestation key's certificate. */
function chain(certificate: Certificate): Pick<TpmKeyEvidence, 'certificates'> {
  return { certificates: [certificate.der, ...evidence.certificates.slice(1)] };
}

function reissued(fields: Partial<CertificateFields>): Pick<TpmKeyEvidence, 'certificates'> {
  return chain(intermediate.issue(attestationKey, attestationCertificateFields(fields)));
}

test('the certificates may stand in any order', async () => {
  const certificates = evidence.certificates.toReversed();
  const verified = await verifyTpmKeyAttestation({ ...evidence, certificates }, inputs);
  expect(verified.attestationKey).toMatchObject({ kind: 'certificate', path: { length: 2 } });
});

test.each<[string, Partial<TpmKeyEvidence>]>([
  ['without certificates', { certificates: [] }],
  ['without one for the purpose', reissued({ extensions: [extendedKeyUsage('2.23.133.8.1')] })],
  ['for the purpose of any kind alone', reissued({ extensions: [extendedKeyUsage('2.5.29.37.0')] })],
  ['with a CA in its place', reissued({ extensions: [ca(), extendedKeyUsage(aikPurpose)] })],
  ['with two of them', { certificates: [...evidence.certificates, ...evidence.certificates] }],
  ['that may not sign', reissued({ extensions: [extendedKeyUsage(aikPurpose), usage('keyEncipherment')] })],
  ['with garbage', { certificates: [Uint8Array.of(0x30, 0x00)] }],
])('evidence %s is of a key that is not bound to a TPM', async (_, changed) => {
  expect(await codeOf(changed)).toBe('ATTESTATION_KEY_NOT_BOUND');
});

test('a chain that expired, or leads elsewhere, is refused', async () => {
  expect(await codeOf(reissued({ notAfter: new Date('2021-01-01T00:00:00Z') }))).toBe('CERTIFICATE_EXPIRED');
  const stranger = new Authority('CN=Attestation CA').issue(attestationKey, attestationCertificateFields());
  expect(await codeOf(chain(stranger))).toBe('SIGNATURE_INVALID');
  const binding = { kind: 'certificate', trustAnchors: [] } as const;
  expect(await codeOf({}, { ...inputs, binding })).toBe('PATH_NOT_FOUND');
});

test('a CA that is for other purposes issues no certificates of attestation keys', async () => {
  const extensions = [ca(), extendedKeyUsage('1.3.6.1.5.5.7.3.1')];
  const limited = root.issue(intermediate, { subject: intermediate.name, extensions });
  const certificates = [attested.attestationCertificate.der, limited.der];
  expect(await codeOf({ certificates })).toBe('PURPOSE_NOT_PERMITTED');
});

test("the certificate of another TPM's attestation key is refused", async () => {
  const certificate = intermediate.issue(createTpmKey(), attestationCertificateFields());
  expect(await codeOf(chain(certificate))).toBe('ATTESTATION_SIGNATURE_INVALID');
});

test('a key that answered a challenge is bound to its TPM without a certificate', async () => {
  const { evidence: bare, inputs: known } = await activated(attested);
  const verified = await verifyTpmKeyAttestation(bare, known);
  expect(verified.attestationKey).toMatchObject({
    kind: 'activation',
    activation: { attestationKeyName: attestationKey.name },
  });
});

test("another TPM's attestation key, that answered no challenge, is refused", async () => {
  const { inputs: known } = await activated(attested);
  const foreign = createTpmKey({ attributes: attestationKeyAttributes });
  const forged = certified(foreign, userKey, { extraData: inputs.nonce, name: userKey.name });
  expect(await codeOf(forged, withArea(known, foreign.area))).toBe('ATTESTATION_KEY_NOT_BOUND');
  // Presenting the key that did answer does not help, for it did not sign.
  expect(await codeOf(forged, known)).toBe('ATTESTATION_SIGNATURE_INVALID');
});

test('a key of another TPM than the one expected is refused', async () => {
  const { inputs: known } = await activated(attested);
  const binding = { ...known.binding, endorsementKey: createTpmKey().area };
  expect(await codeOf({}, { ...inputs, binding })).toBe('ATTESTATION_KEY_NOT_BOUND');
});

test('a store that returns another activation than asked for is not believed', async () => {
  const activations = new MemoryActivationStore();
  const other = await activated(attested);
  if (other.inputs.binding.kind !== 'activation') throw new Error('activated keys are bound by activation');
  const found = await other.inputs.binding.activations.find(attestationKey.name);
  activations.find = () => Promise.resolve(found);
  const foreign = createTpmKey({ attributes: attestationKeyAttributes });
  const binding = { kind: 'activation', publicArea: foreign.area, activations } as const;
  expect(await codeOf({}, { ...inputs, binding })).toBe('ATTESTATION_KEY_NOT_BOUND');
});

const without = (name: AttributeName): readonly AttributeName[] =>
  attestationKeyAttributes.filter((attribute) => attribute !== name);

test.each<[string, readonly AttributeName[]]>([
  ['restricted clear', without('restricted')],
  ['sign clear', without('sign')],
  ['fixedTPM clear', without('fixedTPM')],
  ['fixedParent clear', without('fixedParent')],
  ['sensitiveDataOrigin clear', without('sensitiveDataOrigin')],
  ['decrypt set', [...attestationKeyAttributes, 'decrypt']],
])('an attestation key with %s is refused, though it answered a challenge', async (found, attributes) => {
  const weak = redescribed(attestationKey, { attributes });
  const { evidence: bare, inputs: known } = await activated(attested, weak);
  const error = await refusal(() => verifyTpmKeyAttestation(bare, known));
  expect(error.code).toBe('ATTESTATION_ATTRIBUTES_REFUSED');
  expect(error.message).toContain(`the attestation key has ${found}`);
});

function withArea(known: TpmKeyAttestationInputs, publicArea: Uint8Array): TpmKeyAttestationInputs {
  if (known.binding.kind !== 'activation') throw new Error('activated keys are bound by activation');
  return { ...known, binding: { ...known.binding, publicArea } };
}
