import {
  attestsDevice,
  attestsKey,
  Certificate,
  CountersignError,
  tpmKeyEvidenceAttribute,
  verifyEndorsementKey,
  type AttestationIdentity,
  type Attribute,
  type CertifiedEndorsementKey,
  type Key,
  type KeyProvider,
  type VerifiedEndorsementKey,
} from '@countersign/core';
import type { EndorsementRoots } from './attestation-config.ts';
import { openRaAttestation } from './ra-state.ts';

export interface AttestedKey {
  /** For the request. */
  readonly attribute: Attribute;
  readonly endorsementKey: VerifiedEndorsementKey;
}

/**
 * Both halves of an attestation, on one machine: the RA challenges the TPM's attestation key, the TPM answers, the RA gives
 * a nonce, and the TPM certifies the key over it.
 * @param raDirectory of an RA that was made to look at attestations
 * @throws CountersignError `PROVIDER_NOT_AVAILABLE` if the key is in no TPM, `EK_*`, `ATTESTATION_*`
 */
export async function attestKey(raDirectory: string, provider: KeyProvider, key: Key): Promise<AttestedKey> {
  const { attestation, challenges, roots } = await openRaAttestation(raDirectory);
  if (!attestsDevice(provider) || !attestsKey(key)) throw notInTpm(key);
  const identity = await provider.attestationIdentity();
  const endorsementKey = await chooseEndorsementKey(identity, roots);
  const challenge = await challenges.issue(identity.attestationKey, endorsementKey);
  const secret = await provider.answerChallenge(challenge, endorsementKey.publicArea.bytes);
  try {
    const activation = await challenges.redeem(challenge.id, secret);
    const { nonce } = await attestation.issueNonce(activation);
    return { attribute: tpmKeyEvidenceAttribute(await key.attest(nonce)), endorsementKey };
  } finally {
    secret.fill(0);
  }
}

/** The first whose certificate leads to a manufacturer that is trusted. */
async function chooseEndorsementKey(
  { endorsementKeys }: AttestationIdentity,
  roots: EndorsementRoots,
): Promise<VerifiedEndorsementKey> {
  const refusals: CountersignError[] = [];
  for (const candidate of endorsementKeys) {
    try {
      return await verify(candidate, roots);
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      refusals.push(error);
    }
  }
  throw (
    refusals[0] ??
    new CountersignError(
      'ATTESTATION_MISSING',
      'the TPM has no certificate of an endorsement key, so that nobody can say which TPM it is',
      'Ask its manufacturer for the certificate, or enroll with an RA that does without attestation.',
    )
  );
}

async function verify(
  { publicArea, certificate, chain }: CertifiedEndorsementKey,
  { trustAnchors, certificates }: EndorsementRoots,
): Promise<VerifiedEndorsementKey> {
  return verifyEndorsementKey({
    publicArea,
    certificate: Certificate.parse(certificate),
    trustAnchors,
    certificates: [...certificates, ...chain.map((der) => Certificate.parse(der))],
    at: new Date(),
  });
}

function notInTpm({ ref }: Key): CountersignError {
  return new CountersignError(
    'PROVIDER_NOT_AVAILABLE',
    `the key ${ref} is in no TPM that could attest it`,
    'Make the key with --provider tpm:',
  );
}
