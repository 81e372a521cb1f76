import { join, resolve } from 'node:path';
import { AttestationChallenges, Certificate, decodePemOrDer, RequestAttestation } from '@countersign/core';
import { FileAttestationStore, readFileBytes, type JsonObject } from '@countersign/state';

export const attestationKinds = ['off', 'preferred', 'required'] as const;
export type AttestationKind = (typeof attestationKinds)[number];

/** What CA and RA make of evidence that a key is in a TPM. */
export interface AttestationConfig {
  readonly policy: AttestationKind;
  /** Absolute path of the directory with challenges, activations and nonces, which CA and RA share. */
  readonly store: string;
}

/** A CA keeps the store. */
export function attestationOf(
  caDirectory: string,
  { attestation: policy }: { readonly attestation: AttestationKind },
): AttestationConfig {
  return { policy, store: join(resolve(caDirectory), 'attestation') };
}

export function parseAttestationConfig(object: JsonObject): AttestationConfig {
  const config = { policy: object.oneOf('policy', attestationKinds), store: object.string('store') };
  object.end();
  return config;
}

export function requestAttestation({
  policy: kind,
  store,
}: AttestationConfig): RequestAttestation | undefined {
  if (kind === 'off') return undefined;
  const files = new FileAttestationStore(store);
  return new RequestAttestation({ policy: { kind }, nonces: files, activations: files });
}

export function attestationChallenges({ store }: AttestationConfig): AttestationChallenges {
  const files = new FileAttestationStore(store);
  return new AttestationChallenges({ challenges: files, activations: files });
}

/** Certificates of TPM manufacturers: those that issued themselves are trusted, the others lead there. */
export interface EndorsementRoots {
  readonly trustAnchors: readonly Certificate[];
  readonly certificates: readonly Certificate[];
}

/** @param path PEM, one certificate after the other */
export async function readEndorsementRoots(path: string): Promise<EndorsementRoots> {
  const text = Buffer.from(await readFileBytes(path)).toString('latin1');
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [text];
  const certificates = blocks.map((block) =>
    Certificate.parse(decodePemOrDer(Buffer.from(block, 'latin1'), ['CERTIFICATE'])),
  );
  return {
    trustAnchors: certificates.filter(isSelfIssued),
    certificates: certificates.filter((certificate) => !isSelfIssued(certificate)),
  };
}

function isSelfIssued(certificate: Certificate): boolean {
  return certificate.isIssuedBy(certificate);
}
