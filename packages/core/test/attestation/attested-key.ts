import { randomBytes } from 'node:crypto';
import {
  MemoryActivationStore,
  PublicKey,
  type Certificate,
  type TpmKeyAttestationInputs,
  type TpmKeyEvidence,
} from '@countersign/core';
import { at, Authority, ca, extendedKeyUsage, type CertificateFields } from '../path-validation/hierarchy.ts';
import {
  attestationKeyAttributes,
  certifyInfo,
  createTpmKey,
  join,
  tpmSignature,
  u16,
  type AttestFields,
  type TpmKey,
} from './software-tpm.ts';

export const aikPurpose = '2.23.133.8.3';
export const ecdsaSha256 = join(u16(0x0018), u16(0x000b));

/** A sound attestation, whose parts tests replace one at a time. */
export interface AttestedKey {
  readonly userKey: TpmKey;
  readonly attestationKey: TpmKey;
  readonly root: Authority;
  readonly intermediate: Authority;
  readonly attestationCertificate: Certificate;
  readonly evidence: TpmKeyEvidence;
  /** With the binding by certificate. */
  readonly inputs: TpmKeyAttestationInputs;
}

export function createAttestedKey(userKey: TpmKey = createTpmKey()): AttestedKey {
  const attestationKey = createTpmKey({ attributes: attestationKeyAttributes, scheme: ecdsaSha256 });
  const root = new Authority('CN=Attestation Root');
  const intermediate = new Authority('CN=Attestation CA');
  const intermediateCertificate = root.issue(intermediate, {
    subject: intermediate.name,
    extensions: [ca()],
  });
  const attestationCertificate = intermediate.issue(attestationKey, attestationCertificateFields());
  const nonce = randomBytes(20);
  const evidence = {
    ...certified(attestationKey, userKey, { extraData: nonce, name: userKey.name }),
    certificates: [attestationCertificate.der, intermediateCertificate.der],
  };
  const inputs: TpmKeyAttestationInputs = {
    publicKey: PublicKey.parse(userKey.publicKey),
    nonce,
    at,
    binding: { kind: 'certificate', trustAnchors: [root.selfSigned()] },
  };
  return { userKey, attestationKey, root, intermediate, attestationCertificate, evidence, inputs };
}

export function attestationCertificateFields(fields: Partial<CertificateFields> = {}): CertificateFields {
  return { subject: 'CN=AK', extensions: [extendedKeyUsage(aikPurpose)], ...fields };
}

/** What the attestation key says of the key, with these fields. */
export function certified(
  attestationKey: TpmKey,
  userKey: TpmKey,
  fields: AttestFields,
): Omit<TpmKeyEvidence, 'certificates'> {
  const attest = certifyInfo(fields);
  return { attest, signature: tpmSignature(attestationKey, 'ecdsa', attest), publicArea: userKey.area };
}

/** The same attestation, with the attestation key known from a challenge that it answered. */
export async function activated(
  attested: AttestedKey,
  attestationKey: TpmKey = attested.attestationKey,
): Promise<{ evidence: TpmKeyEvidence; inputs: TpmKeyAttestationInputs }> {
  const activations = new MemoryActivationStore();
  await activations.record({
    attestationKeyName: attestationKey.name,
    attestationKey: attestationKey.area,
    endorsementKey: createTpmKey().area,
    endorsement: { kind: 'none' },
    activatedAt: at,
  });
  return {
    evidence: { ...attested.evidence, certificates: [] },
    inputs: {
      ...attested.inputs,
      binding: { kind: 'activation', publicArea: attestationKey.area, activations },
    },
  };
}
