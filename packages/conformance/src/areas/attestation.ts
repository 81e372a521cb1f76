import { randomBytes } from 'node:crypto';
import {
  attestsDevice,
  attestsKey,
  isPinProtected,
  makeCredential,
  PublicKey,
  TpmPublicArea,
  verifyTpmKeyAttestation,
  type ActivationStore,
  type AttestsDevice,
  type AttestsKey,
  type ErrorCode,
  type Key,
  type TpmKeyEvidence,
} from '@countersign/core';
import type { CaseContext } from '../case-context.ts';
import { contract, inArea } from '../conformance-case.ts';
import { check, checkSame, expectRefusal, isCountersignError, NotSupported } from '../deviation.ts';

const certify = 'TPM 2.0 part 3, 18.2 (TPM2_Certify); part 2, 10.12.8 (TPMS_ATTEST)';
const activate = 'TPM 2.0 part 1, 24; part 3, 12.5 (TPM2_ActivateCredential)';

export const attestationCases = inArea('attestation', [
  {
    id: 'attest.verifies',
    title: 'evidence for keys verifies, each over its own nonce',
    rule: 'The attestation has the nonce, names the key by its Name, and is signed by the attestation key.',
    source: `${contract.attestsKey}; ${certify}`,
    run: async (context) => {
      const keys = [await attesting(context), await attesting(context)];
      for (const key of [...keys, ...keys]) {
        const nonce = randomBytes(32);
        await verify(context, key, await key.attest(nonce), nonce);
      }
    },
  },
  {
    id: 'attest.nonce-settled',
    title: 'the nonce is settled when attest is called',
    rule: 'The caller may reuse its buffer as soon as attest has returned its promise.',
    source: contract.attestsKey,
    needs: ['attest.verifies'],
    run: async (context) => {
      const key = await attesting(context);
      const nonce = randomBytes(32);
      const original = Uint8Array.from(nonce);
      const attestation = key.attest(nonce);
      nonce.fill(0);
      await verify(context, key, await attestation, original);
    },
  },
  {
    id: 'attest.other-nonce',
    title: 'evidence over one nonce is refused for another',
    rule: 'The nonce is what the verifier gave for this.',
    source: `${contract.attestsKey}; ${certify}`,
    needs: ['attest.verifies'],
    run: async (context) => {
      const key = await attesting(context);
      const evidence = await key.attest(randomBytes(32));
      await refuse(['ATTESTATION_NONCE_MISMATCH'], context, key, evidence, randomBytes(32));
    },
  },
  {
    id: 'attest.other-key',
    title: 'evidence for one key is refused for another',
    rule: 'The certified Name is the key’s.',
    source: `${contract.attestsKey}; ${certify}`,
    needs: ['attest.verifies'],
    run: async (context) => {
      const [key, other] = [await attesting(context), await attesting(context)];
      const nonce = randomBytes(32);
      const evidence = await key.attest(nonce);
      await refuse(['ATTESTATION_KEY_MISMATCH'], context, other, evidence, nonce);
      const { publicArea } = await other.attest(nonce);
      const swapped = { ...evidence, publicArea };
      await refuse(['ATTESTATION_NAME_MISMATCH'], context, other, swapped, nonce);
    },
  },
  {
    id: 'attest.changed',
    title: 'changed evidence is refused',
    rule: 'The signature is the attestation key’s, over the attestation whole.',
    source: `${contract.attestsKey}; ${certify}`,
    needs: ['attest.verifies'],
    run: async (context) => {
      const key = await attesting(context);
      const nonce = randomBytes(32);
      const evidence = await key.attest(nonce);
      const signature = Uint8Array.from(evidence.signature);
      signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
      await refuse(['ATTESTATION_SIGNATURE_INVALID'], context, key, { ...evidence, signature }, nonce);
    },
  },
  {
    id: 'attest.locked',
    title: 'a locked key is not attested',
    rule: 'The key must be unlocked.',
    source: contract.attestsKey,
    needs: ['attest.verifies'],
    run: async (context) => {
      const key = await attesting(context);
      if (!isPinProtected(key)) throw new NotSupported('the key has no PIN');
      key.lock();
      await expectRefusal(['PIN_REQUIRED'], 'attest of a locked key', async () =>
        key.attest(randomBytes(32)),
      );
    },
  },
  {
    id: 'attest.identity',
    title: 'the attestation identity is well-formed and stays the same',
    rule: 'The key that attests to others, and the keys that its TPM is known by, each with its certificate.',
    source: `${contract.attestsDevice}; TCG EK Credential Profile 2.5`,
    run: async (context) => {
      const device = deviceOf(context);
      const [once, again] = [await device.attestationIdentity(), await device.attestationIdentity()];
      checkSame(once.attestationKey, again.attestationKey, 'the attestation key');
      TpmPublicArea.parse(once.attestationKey);
      check(once.endorsementKeys.length > 0, 'at least one certified endorsement key', 'none');
      for (const { publicArea } of once.endorsementKeys) {
        check(
          TpmPublicArea.parse(publicArea).attributes.has('decrypt'),
          'storage keys',
          'a key that does not decrypt',
        );
      }
    },
  },
  {
    id: 'attest.challenge',
    title: 'challenges to each endorsement key are answered with their secret',
    rule: 'Only the TPM with this endorsement key recovers the secret, and only with the attestation key loaded.',
    source: `${contract.attestsDevice}; ${activate}`,
    needs: ['attest.identity'],
    run: async (context) => {
      const device = deviceOf(context);
      const { attestationKey, endorsementKeys } = await device.attestationIdentity();
      const { name } = TpmPublicArea.parse(attestationKey);
      for (const { publicArea } of endorsementKeys) {
        const secret = randomBytes(32);
        const challenge = makeCredential(TpmPublicArea.parse(publicArea), name, secret);
        checkSame(secret, await device.answerChallenge(challenge, publicArea), 'the secret of the challenge');
      }
    },
  },
  {
    id: 'attest.challenge-other-name',
    title: 'a challenge for another attestation key is not answered',
    rule: 'The secret is bound to the Name of the attestation key.',
    source: `${contract.attestsDevice}; ${activate}`,
    needs: ['attest.challenge'],
    run: async (context) => {
      const device = deviceOf(context);
      const { attestationKey, endorsementKeys } = await device.attestationIdentity();
      const name = Uint8Array.from(TpmPublicArea.parse(attestationKey).name);
      name[name.length - 1] = (name.at(-1) ?? 0) ^ 1;
      const [endorsementKey] = endorsementKeys;
      if (endorsementKey === undefined) throw new NotSupported('no certified endorsement key');
      const { publicArea } = endorsementKey;
      const challenge = makeCredential(TpmPublicArea.parse(publicArea), name, randomBytes(32));
      let answered: unknown;
      try {
        answered = await device.answerChallenge(challenge, publicArea);
      } catch (error) {
        check(isCountersignError(error), 'a CountersignError', String(error));
      }
      check(answered === undefined, 'a refusal', 'an answer');
    },
  },
]);

async function attesting(context: CaseContext): Promise<Key & AttestsKey> {
  const key = await context.make();
  if (attestsKey(key)) return key;
  throw new NotSupported('keys do not attest');
}

function deviceOf({ provider }: CaseContext): AttestsDevice {
  if (attestsDevice(provider)) return provider;
  throw new NotSupported('the provider does not attest its device');
}

/** As a verifier does that has seen the attestation key answer a challenge; whether it does is a case of its own. */
async function verify(
  context: CaseContext,
  key: Key,
  evidence: TpmKeyEvidence,
  nonce: Uint8Array,
): Promise<void> {
  const { attestationKey } = await deviceOf(context).attestationIdentity();
  const activations: Pick<ActivationStore, 'find'> = {
    find: async (attestationKeyName) => ({
      attestationKeyName,
      attestationKey,
      endorsementKey: new Uint8Array(),
      endorsement: { kind: 'none' },
      activatedAt: new Date(),
    }),
  };
  await verifyTpmKeyAttestation(evidence, {
    publicKey: PublicKey.parse(key.publicKey),
    nonce,
    binding: { kind: 'activation', publicArea: attestationKey, activations },
    at: new Date(),
  });
}

async function refuse(codes: readonly ErrorCode[], ...inputs: Parameters<typeof verify>): Promise<void> {
  await expectRefusal(codes, 'the evidence', async () => verify(...inputs));
}
