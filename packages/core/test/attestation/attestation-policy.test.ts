import { sign } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  applyAttestationPolicy,
  CertificationRequest,
  createCertificationRequest,
  issuancePoliciesOf,
  PublicKey,
  tpmKeyEvidenceAttribute,
  TpmPublicArea,
  type Activation,
  type AttestationPolicy,
  type Attribute,
  type Key,
} from '@countersign/core';
import { refusal } from '../cmc/refusal.ts';
import { at } from '../path-validation/hierarchy.ts';
import { activated, createAttestedKey } from './attested-key.ts';
import { createTpmKey, type TpmKey } from './software-tpm.ts';

const sound = createAttestedKey();
const { userKey, attestationKey, evidence, inputs } = sound;
const context = () => ({ ...inputs, isUserAuthenticated: true });

/** A certified key that signs requests. */
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

async function requestWith(...attributes: readonly Attribute[]): Promise<CertificationRequest> {
  return CertificationRequest.parse(await createCertificationRequest(signer(userKey), { attributes }));
}

const attested = await requestWith(tpmKeyEvidenceAttribute(evidence));
const wrong = await requestWith(tpmKeyEvidenceAttribute({ ...evidence, publicArea: createTpmKey().area }));
const plain = await requestWith();

const ask = (kind: 'preferred' | 'required', request: CertificationRequest) =>
  applyAttestationPolicy({ kind }, request, context);

function unwantedContext(): never {
  throw new Error('the context was asked for');
}

test('off looks at nothing', async () => {
  const policy: AttestationPolicy = { kind: 'off' };
  expect(await applyAttestationPolicy(policy, wrong, unwantedContext)).toEqual({ kind: 'off' });
});

test('required refuses a request without evidence, preferred lets it pass as such', async () => {
  expect((await refusal(() => ask('required', plain))).code).toBe('ATTESTATION_MISSING');
  expect(await ask('preferred', plain)).toEqual({ kind: 'absent' });
});

test.each(['preferred', 'required'] as const)(
  '%s verifies what is there and refuses what is wrong',
  async (kind) => {
    expect(await ask(kind, attested)).toMatchObject({
      kind: 'verified',
      attestation: { certifiedKey: { name: userKey.name } },
      issuancePolicies: ['1.3.6.1.4.1.311.21.32'],
    });
    expect((await refusal(() => ask(kind, wrong))).code).toBe('ATTESTATION_NAME_MISMATCH');
  },
);

test('the key is that of the request, whatever else the context holds', async () => {
  const other = CertificationRequest.parse(
    await createCertificationRequest(signer(createTpmKey()), {
      attributes: [tpmKeyEvidenceAttribute(evidence)],
    }),
  );
  expect((await refusal(() => ask('required', other))).code).toBe('ATTESTATION_KEY_MISMATCH');
});

test("the policy's rules on keys hold", async () => {
  const policy: AttestationPolicy = { kind: 'required', keyPolicy: { algorithms: ['rsa2048'] } };
  expect((await refusal(() => applyAttestationPolicy(policy, attested, context))).code).toBe(
    'KEY_NOT_ACCEPTABLE',
  );
});

test('a key behind which no known endorsement key stands is trusted on use alone', async () => {
  const known = await activated(sound);
  const request = await requestWith(tpmKeyEvidenceAttribute(known.evidence));
  const outcome = (trustsOnUse: boolean, isUserAuthenticated: boolean) =>
    applyAttestationPolicy({ kind: 'required', trustsOnUse }, request, () => ({
      ...known.inputs,
      isUserAuthenticated,
    }));
  for (const [trustsOnUse, isUserAuthenticated] of [
    [false, true],
    [true, false],
  ] as const) {
    const { code } = await refusal(() => outcome(trustsOnUse, isUserAuthenticated));
    expect(code).toBe('ATTESTATION_KEY_NOT_BOUND');
  }
  expect(await outcome(true, true)).toMatchObject({ issuancePolicies: ['1.3.6.1.4.1.311.21.32'] });
});

const endorsementKey = createTpmKey();
const activation: Activation = {
  attestationKeyName: attestationKey.name,
  attestationKey: attestationKey.area,
  endorsementKey: endorsementKey.area,
  endorsement: { kind: 'none' },
  activatedAt: at,
};
const endorsed = {
  ...activation,
  endorsement: { kind: 'certificate', certificate: Uint8Array.of(0x30, 0), identity: undefined },
} as const;
const { keyId } = PublicKey.parse(endorsementKey.publicKey);
const isListed = (id: string): boolean => id === keyId;
const [high, medium, low] = ['30', '31', '32'].map((arc) => `1.3.6.1.4.1.311.21.${arc}`);

test.each<
  [string, Activation, boolean, ((id: string) => boolean) | undefined, readonly (string | undefined)[]]
>([
  ['nothing', activation, false, undefined, []],
  ["the user's credentials", activation, true, () => false, [low]],
  ['a certificate', endorsed, false, undefined, [medium]],
  ['a listed key', activation, false, isListed, [high]],
  ['all three', endorsed, true, isListed, [high, medium, low]],
])(
  '%s earns its issuance policies',
  async (_, known, isUserAuthenticated, isListedEndorsementKey, earned) => {
    const publicArea = TpmPublicArea.parse(attestationKey.area);
    const { publicKey } = publicArea;
    const bound = { kind: 'activation', publicKey, publicArea, activation: known } as const;
    expect(
      await issuancePoliciesOf({ attestationKey: bound }, { isUserAuthenticated, isListedEndorsementKey }),
    ).toEqual(earned);
  },
);
