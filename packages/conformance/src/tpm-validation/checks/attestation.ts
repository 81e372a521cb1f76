import { randomBytes } from 'node:crypto';
import {
  AttestationChallenges,
  MemoryActivationStore,
  TpmPublicArea,
  verifyTpmKeyAttestation,
} from '@countersign/core';
import { describeError, isCountersignError } from '../../deviation.ts';
import { inArea, pass, warning, type TpmCheckContext, type TpmFinding } from '../tpm-check.ts';
import type { EndorsementCertificate } from '../tpm-under-test.ts';

const notAttested =
  'Nobody can be shown that keys are in this TPM: a CA that requires attestation refuses them.';

export const attestationChecks = inArea('attestation', [
  {
    id: 'attestation.end-to-end',
    title: 'it proves that a key is in it, from endorsement key to certified key',
    rule: 'An attestation key answers a challenge to the endorsement key, and certifies a fresh key over a nonce; all of it verifies.',
    source: 'TPM 2.0 part 1, 24; part 3, 12.5 and 18.2; TCG EK Credential Profile 2.5',
    expected: 'the secret of the challenge, and evidence that verifies',
    consequence: notAttested,
    ifRefused: 'warning',
    needs: ['keys.p256'],
    run: attest,
  },
]);

async function attest(context: TpmCheckContext): Promise<TpmFinding> {
  const { tpm, material, options } = context;
  const certificates = (await material.endorsementCertificates()).filter(({ contents }) => 'der' in contents);
  const attestationKey = await tpm.createAttestationKey();
  const store = new MemoryActivationStore();
  const activated: string[] = [];
  // Without a certificate the endorsement key is nobody's, but what it does can be tried.
  for (const certificate of certificates.length === 0 ? [undefined] : certificates) {
    const slot = await activate(context, attestationKey, certificate, store);
    if (slot === undefined) continue;
    activated.push(slot);
  }
  if (activated.length === 0) {
    return warning('no endorsement key of a certificate is in this TPM', notAttested);
  }
  const { key, area } = await material.oneKey('p256');
  const nonce = randomBytes(32);
  const evidence = await tpm.certify(key, attestationKey, nonce);
  const binding = { kind: 'activation', publicArea: attestationKey.publicArea, activations: store } as const;
  try {
    await verifyTpmKeyAttestation(evidence, {
      publicKey: area.publicKey,
      nonce,
      binding,
      at: options.at,
    });
  } catch (error) {
    if (!isCountersignError(error)) throw error;
    return warning(`the evidence does not verify: ${describeError(error)}`, notAttested);
  }
  const found = `challenge answered with the endorsement key of ${activated.join(', ')}; evidence of a P-256 key verified`;
  return certificates.length === 0
    ? pass(
        found,
        'It works, but no manufacturer vouches for the endorsement key: see endorsement.certificates.',
      )
    : pass(found, 'An RA or a CA can be shown that keys are in this TPM.');
}

/** @returns the slot, or undefined if the certificate is for no key of this TPM, which is told elsewhere */
async function activate(
  { tpm }: TpmCheckContext,
  attestationKey: Parameters<typeof tpm.certify>[1],
  certificate: EndorsementCertificate | undefined,
  store: MemoryActivationStore,
): Promise<string | undefined> {
  const challenges = new AttestationChallenges({ challenges: store, activations: store });
  try {
    const found = await tpm.endorsementKey(certificate);
    const challenge = await challenges.issue(attestationKey.publicArea, {
      publicArea: TpmPublicArea.parse(found.publicArea),
      endorsement: { kind: 'none' },
    });
    const secret = await tpm.activate(challenge, attestationKey, certificate);
    try {
      await challenges.redeem(challenge.id, secret);
    } finally {
      secret.fill(0);
    }
    return found.slot;
  } catch (error) {
    if (isCountersignError(error) && error.code === 'EK_CERTIFICATE_MISMATCH') return undefined;
    throw error;
  }
}
