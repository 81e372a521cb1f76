import { randomBytes, sign } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  CertificationAuthority,
  createCertificationRequest,
  MemoryActivationStore,
  parseCertificatePolicies,
  RegistrationAuthority,
  RequestAttestation,
  tpmKeyEvidenceAttribute,
  type Activation,
  type AttestationPolicy,
  type Endorsement,
  type Key,
} from '@countersign/core';
import { certified, ecdsaSha256 } from '../attestation/attested-key.ts';
import { attestationKeyAttributes, createTpmKey, type TpmKey } from '../attestation/software-tpm.ts';
import { refusal } from '../cmc/refusal.ts';
import { alice, createEnrollment, now, type Enrollment } from './enrollment-fixture.ts';

const certificatePolicies = '2.5.29.32';
const issuancePolicies = ['1.3.6.1.4.1.311.21.31', '1.3.6.1.4.1.311.21.32'];
const certifiedEndorsement: Endorsement = {
  kind: 'certificate',
  certificate: Uint8Array.of(0x30, 0),
  identity: undefined,
};

let enrollment: Enrollment;
let store: MemoryActivationStore;
let userKey: TpmKey;
let attestationKey: TpmKey;
let activation: Activation;

beforeEach(async () => {
  enrollment = await createEnrollment();
  store = new MemoryActivationStore();
  userKey = createTpmKey();
  attestationKey = createTpmKey({ attributes: attestationKeyAttributes, scheme: ecdsaSha256 });
  enrollment.directory.setKeys(alice.upn, signer(userKey));
  activation = activationOf(certifiedEndorsement);
  await store.record(activation);
});

describe.each(['preferred', 'required'] as const)('attestation %s', (kind) => {
  test('a key that a TPM holds gets a certificate that says how that is known', async () => {
    const { ra, ca } = authorities({ kind });
    const { nonce } = await attestationAt({ kind }).issueNonce(activation);
    const { der, attestation } = await ra.countersign(await requestOver(nonce), alice.upn);
    expect(attestation).toMatchObject({ kind: 'verified', issuancePolicies });
    const certificate = await ca.issue(der);
    expect(parseCertificatePolicies(certificate.extension(certificatePolicies) ?? new Uint8Array())).toEqual(
      issuancePolicies,
    );
    const details = [];
    for await (const record of enrollment.ledger.readAudit()) details.push(record.details);
    expect(details.at(-1)).toMatchObject({ issuancePolicies: issuancePolicies.join(' ') });
  });

  test('one nonce is good for one key, as often as its request is sent', async () => {
    const { ra } = authorities({ kind });
    const { nonce } = await attestationAt({ kind }).issueNonce(activation);
    await ra.countersign(await requestOver(nonce), alice.upn);
    await ra.countersign(await requestOver(nonce), alice.upn);
    userKey = createTpmKey();
    enrollment.directory.setKeys(alice.upn, signer(userKey));
    await expectRefusal(ra, await requestOver(nonce), 'ATTESTATION_NONCE_MISMATCH');
  });

  test('a nonce that was not given, or has expired, is refused', async () => {
    const { ra } = authorities({ kind });
    await expectRefusal(ra, await requestOver(randomBytes(32)), 'ATTESTATION_NONCE_MISMATCH');
    const { nonce, expiresAt } = await attestationAt({ kind }).issueNonce(activation);
    const request = await requestOver(nonce);
    enrollment.clock.now = new Date(expiresAt.getTime() + 1);
    await expectRefusal(ra, request, 'ATTESTATION_NONCE_MISMATCH');
    enrollment.clock.now = expiresAt;
    expect((await ra.countersign(request, alice.upn)).attestation.kind).toBe('verified');
  });

  test('an attestation by another attestation key than the nonce was given to is refused', async () => {
    const { ra } = authorities({ kind });
    const { nonce } = await attestationAt({ kind }).issueNonce(activation);
    attestationKey = createTpmKey({ attributes: attestationKeyAttributes, scheme: ecdsaSha256 });
    await store.record(activationOf(certifiedEndorsement));
    await expectRefusal(ra, await requestOver(nonce), 'ATTESTATION_SIGNATURE_INVALID');
  });

  test('an attestation key that is not known any more is refused', async () => {
    const { ra } = authorities({ kind });
    const unknown = { ...activation, attestationKeyName: createTpmKey().name };
    const { nonce } = await attestationAt({ kind }).issueNonce(unknown);
    await expectRefusal(ra, await requestOver(nonce), 'ATTESTATION_KEY_NOT_BOUND');
  });

  test('an endorsement key of which nothing is known is refused', async () => {
    const { ra } = authorities({ kind });
    await store.record(activationOf({ kind: 'none' }));
    const { nonce } = await attestationAt({ kind }).issueNonce(activation);
    await expectRefusal(ra, await requestOver(nonce), 'ATTESTATION_KEY_NOT_BOUND');
  });

  test('the CA looks for itself at what the RA let pass', async () => {
    const { ca } = authorities({ kind });
    const careless = new RegistrationAuthority({ ...raOptions() });
    const { der, attestation } = await careless.countersign(await requestOver(randomBytes(32)), alice.upn);
    expect(attestation).toEqual({ kind: 'off' });
    expect((await refusal(() => ca.issue(der))).code).toBe('ATTESTATION_NONCE_MISMATCH');
  });
});

test('without evidence, required refuses at RA and CA, and preferred certifies without a word of it', async () => {
  const plain = await createCertificationRequest(signer(userKey));
  const { ra, ca } = authorities({ kind: 'required' });
  await expectRefusal(ra, plain, 'ATTESTATION_MISSING');
  const { der } = await new RegistrationAuthority(raOptions()).countersign(plain, alice.upn);
  expect((await refusal(() => ca.issue(der))).code).toBe('ATTESTATION_MISSING');
  const preferred = authorities({ kind: 'preferred' });
  const countersigned = await preferred.ra.countersign(plain, alice.upn);
  expect(countersigned.attestation).toEqual({ kind: 'absent' });
  const certificate = await preferred.ca.issue(countersigned.der);
  expect(certificate.extension(certificatePolicies)).toBeUndefined();
});

test('off looks at nothing', async () => {
  const { ra, ca } = authorities({ kind: 'off' });
  const { der, attestation } = await ra.countersign(await requestOver(randomBytes(32)), alice.upn);
  expect(attestation).toEqual({ kind: 'off' });
  expect((await ca.issue(der)).extension(certificatePolicies)).toBeUndefined();
});

function attestationAt(policy: AttestationPolicy): RequestAttestation {
  const { clock } = enrollment;
  return new RequestAttestation({ policy, nonces: store, activations: store, clock: () => clock.now });
}

function authorities(policy: AttestationPolicy): { ra: RegistrationAuthority; ca: CertificationAuthority } {
  const attestation = attestationAt(policy);
  return {
    ra: new RegistrationAuthority({ ...raOptions(), attestation }),
    ca: new CertificationAuthority({ ...enrollment.caOptions, attestation }),
  };
}

function raOptions() {
  const { agentKey, agentCertificate, directory, clock } = enrollment;
  return { key: agentKey, certificate: agentCertificate, directory, clock: () => clock.now };
}

async function requestOver(nonce: Uint8Array): Promise<Uint8Array> {
  const evidence = {
    ...certified(attestationKey, userKey, { extraData: nonce, name: userKey.name }),
    certificates: [],
  };
  return createCertificationRequest(signer(userKey), { attributes: [tpmKeyEvidenceAttribute(evidence)] });
}

async function expectRefusal(ra: RegistrationAuthority, request: Uint8Array, code: string): Promise<void> {
  expect((await refusal(() => ra.countersign(request, alice.upn))).code).toBe(code);
}

function activationOf(endorsement: Endorsement): Activation {
  return {
    attestationKeyName: attestationKey.name,
    attestationKey: attestationKey.area,
    endorsementKey: createTpmKey().area,
    endorsement,
    activatedAt: now,
  };
}

function signer({ privateKey, publicKey }: TpmKey): Key {
  return {
    ref: 'test:tpm',
    label: 'test',
    algorithm: 'p256',
    publicKey,
    schemes: ['ecdsa-sha256'],
    sign: (_, message) => Promise.resolve(Uint8Array.from(sign('sha256', message, privateKey))),
  };
}
