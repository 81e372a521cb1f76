import { CountersignError } from '../errors.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { oids } from '../object-identifiers.ts';
import { findPath, type PathDiscoveryInputs } from '../path-validation/find-path.ts';
import { Certificate } from '../x509/certificate.ts';
import { parseBasicConstraints, parseExtendedKeyUsage, parseKeyUsage } from '../x509/standard-extensions.ts';
import type { Activation, ActivationStore } from './activation/activation-store.ts';
import type { TpmKeyEvidence } from './evidence.ts';
import { assertAttestationKeyAttributes } from './key-attributes.ts';
import { attestationRefused } from './refusal.ts';
import { TpmPublicArea } from './tpm/public-area.ts';

/** Where certificate paths of TPMs and attestation CAs may begin, and what may be on them. */
export interface TrustedRoots extends Pick<
  PathDiscoveryInputs,
  'trustAnchors' | 'certificateLists' | 'ocspResponses'
> {
  /** Intermediate CAs that need not be sent along. */
  readonly certificates?: readonly Certificate[];
}

/** The ways to know that a key is an attestation key of a real TPM. */
export type AttestationKeyBinding =
  /** The evidence brings a certificate with the purpose 2.23.133.8.3, from a CA that looked into that. */
  | ({ readonly kind: 'certificate' } & TrustedRoots)
  /** The key answered a challenge that only a TPM with a known endorsement key could. */
  | {
      readonly kind: 'activation';
      /** TPMT_PUBLIC of the attestation key, as the requester presents it. */
      readonly publicArea: Uint8Array;
      readonly activations: Pick<ActivationStore, 'find'>;
      /** TPMT_PUBLIC of the endorsement key that it must be, if only one will do. */
      readonly endorsementKey?: Uint8Array;
    };

/** The key that signed an attestation, and how it is known. */
export type AttestationKey =
  | {
      readonly kind: 'certificate';
      readonly publicKey: PublicKey;
      /** Not known: the CA that issued the certificate has seen it. */
      readonly publicArea?: undefined;
      readonly certificate: Certificate;
      /** From below the trust anchor to the attestation key's certificate. */
      readonly path: readonly Certificate[];
    }
  | {
      readonly kind: 'activation';
      readonly publicKey: PublicKey;
      readonly publicArea: TpmPublicArea;
      readonly activation: Activation;
    };

/**
 * @throws CountersignError `ATTESTATION_KEY_NOT_BOUND`, `ATTESTATION_ATTRIBUTES_REFUSED`; what parsing the certificate or
 *   the public area, and what `findPath` throws
 */
export async function findAttestationKey(
  { certificates }: Pick<TpmKeyEvidence, 'certificates'>,
  binding: AttestationKeyBinding,
  at: Date,
): Promise<AttestationKey> {
  return binding.kind === 'certificate'
    ? certifiedAttestationKey(certificates, binding, at)
    : activatedAttestationKey(binding);
}

function certifiedAttestationKey(sent: readonly Uint8Array[], roots: TrustedRoots, at: Date): AttestationKey {
  const readable = readCertificates(sent);
  const [certificate, ...others] = readable.filter(isForAttestation);
  if (certificate === undefined || others.length > 0) {
    throw notBound(
      `the evidence has ${sent.length} certificates, of which ${certificate === undefined ? 'none is' : 'several are'} for the purpose ${oids.tcgAikCertificate} (attestation key)`,
      'Send one certificate of the attestation key, and those of the CAs above it.',
    );
  }
  const { certificates = [] } = roots;
  const { path } = findPath(certificate, {
    ...roots,
    certificates: [...readable, ...certificates],
    at,
    purpose: oids.tcgAikCertificate,
  });
  assertMaySign(certificate);
  return { kind: 'certificate', publicKey: certificate.publicKey, certificate, path };
}

/**
 * Roots come along in old formats (the draft's own sample has one of version 1). They are no part of a path, so that a
 * certificate that cannot be read is one that no path goes through. If the attestation key's is among them, none is left
 * that names the purpose.
 */
function readCertificates(sent: readonly Uint8Array[]): Certificate[] {
  return sent.flatMap((der) => {
    try {
      return [Certificate.parse(der)];
    } catch (error) {
      if (error instanceof CountersignError) return [];
      throw error;
    }
  });
}

function isForAttestation(certificate: Certificate): boolean {
  const value = certificate.extension(oids.extKeyUsage);
  return (
    value !== undefined && parseExtendedKeyUsage(value).includes(oids.tcgAikCertificate) && !isCa(certificate)
  );
}

function isCa(certificate: Certificate): boolean {
  const value = certificate.extension(oids.basicConstraints);
  return value !== undefined && parseBasicConstraints(value).cA;
}

function assertMaySign(certificate: Certificate): void {
  const usage = certificate.extension(oids.keyUsage);
  if (usage === undefined || parseKeyUsage(usage).includes('digitalSignature')) return;
  throw notBound(
    `the key usage of the attestation key's certificate ${certificate.serialNumber} lacks digitalSignature`,
    'Have a certificate issued that lets the key sign.',
  );
}

async function activatedAttestationKey(
  binding: Extract<AttestationKeyBinding, { kind: 'activation' }>,
): Promise<AttestationKey> {
  const publicArea = TpmPublicArea.parse(binding.publicArea);
  assertAttestationKeyAttributes(publicArea);
  const activation = await binding.activations.find(publicArea.name);
  if (activation === undefined || Buffer.compare(activation.attestationKeyName, publicArea.name) !== 0) {
    throw notBound(
      `the attestation key ${Buffer.from(publicArea.name).toString('hex')} has not answered a challenge`,
      'Ask for a challenge and answer it with TPM2_ActivateCredential first.',
    );
  }
  const { endorsementKey } = binding;
  if (endorsementKey !== undefined && Buffer.compare(endorsementKey, activation.endorsementKey) !== 0) {
    throw notBound(
      'the attestation key belongs to a TPM with another endorsement key',
      'Attest the key with the TPM that is registered for this device.',
    );
  }
  return { kind: 'activation', publicKey: publicArea.publicKey, publicArea, activation };
}

function notBound(found: string, hint: string): CountersignError {
  return attestationRefused('ATTESTATION_KEY_NOT_BOUND', found, hint);
}
