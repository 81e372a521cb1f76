import { oids } from '../object-identifiers.ts';
import type { CertificationRequest } from '../request/certification-request.ts';
import { findTpmKeyEvidence, type ParsedTpmKeyEvidence } from './evidence.ts';
import { attestationRefused } from './refusal.ts';
import { TpmPublicArea } from './tpm/public-area.ts';
import {
  verifyTpmKeyAttestation,
  type TpmKeyAttestation,
  type TpmKeyAttestationInputs,
} from './verify-tpm-key-attestation.ts';

/** What RA or CA makes of evidence in requests. */
export type AttestationPolicy =
  /** Evidence is not looked at. */
  | { readonly kind: 'off' }
  /** Evidence need not be there; what is there must be right. */
  | ({ readonly kind: 'preferred' } & AttestationRules)
  | ({ readonly kind: 'required' } & AttestationRules);

export interface AttestationRules extends Omit<
  TpmKeyAttestationInputs,
  'publicKey' | 'nonce' | 'at' | 'binding'
> {
  /**
   * The endorsement keys that are known one by one (AD CS: the folders of `EndorsementKeyListDirectories`).
   * @param endorsementKeyId SHA-256 of the SubjectPublicKeyInfo, lower-case hex
   */
  readonly isListedEndorsementKey?: (endorsementKeyId: string) => boolean | Promise<boolean>;
  /**
   * Whether an endorsement key that is neither listed nor certified will do, if the user is authenticated (AD CS:
   * CT_FLAG_EK_TRUST_ON_USE). It may be a key in software; without this it is refused.
   */
  readonly trustsOnUse?: boolean;
}

/** What belongs to one request. */
export interface AttestationContext extends Pick<TpmKeyAttestationInputs, 'nonce' | 'binding' | 'at'> {
  /** Whether the requester proved to be the user that the certificate is for. */
  readonly isUserAuthenticated: boolean;
}

export type AttestationOutcome =
  | { readonly kind: 'off' }
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'verified';
      readonly attestation: TpmKeyAttestation;
      /** For certificatePolicies of the certificate. */
      readonly issuancePolicies: readonly string[];
    };

/**
 * Applies a policy to a request whose proof of possession was verified.
 * @param context called only if there is evidence to verify, with that evidence
 * @throws CountersignError `ATTESTATION_MISSING` if evidence is required and not there, `ATTESTATION_KEY_NOT_BOUND` if
 *   nothing is known of the endorsement key; what `findTpmKeyEvidence` and
 *   `verifyTpmKeyAttestation` refuse it for, under `preferred` too: evidence that is wrong is worse than none
 */
export async function applyAttestationPolicy(
  policy: AttestationPolicy,
  request: CertificationRequest,
  context: (evidence: ParsedTpmKeyEvidence) => AttestationContext | Promise<AttestationContext>,
): Promise<AttestationOutcome> {
  if (policy.kind === 'off') return { kind: 'off' };
  const evidence = findTpmKeyEvidence(request);
  if (evidence === undefined) {
    if (policy.kind === 'preferred') return { kind: 'absent' };
    throw attestationRefused(
      'ATTESTATION_MISSING',
      'the request brings no evidence of a TPM for its key; the policy requires it',
      'Make the key in a TPM and send its attestation along, or ask for a profile that does without.',
    );
  }
  const { isUserAuthenticated, ...inputs } = await context(evidence);
  const { isListedEndorsementKey, keyPolicy } = policy;
  const attestation = await verifyTpmKeyAttestation(evidence, {
    ...inputs,
    publicKey: request.publicKey,
    ...(keyPolicy && { keyPolicy }),
  });
  const issuancePolicies = await issuancePoliciesOf(attestation, {
    isUserAuthenticated,
    isListedEndorsementKey,
  });
  assertEndorsed(attestation, issuancePolicies, policy.trustsOnUse === true);
  return { kind: 'verified', attestation, issuancePolicies };
}

/** An attestation key is worth what the endorsement key behind it is. */
function assertEndorsed(
  { attestationKey }: TpmKeyAttestation,
  earned: readonly string[],
  trustsOnUse: boolean,
): void {
  if (attestationKey.kind === 'certificate') return;
  const sufficient: ReadonlySet<string> = new Set([
    oids.enrollEkVerifyKey,
    oids.enrollEkVerifyCert,
    ...(trustsOnUse ? [oids.enrollEkVerifyCreds] : []),
  ]);
  if (earned.some((policy) => sufficient.has(policy))) return;
  throw attestationRefused(
    'ATTESTATION_KEY_NOT_BOUND',
    'the attestation key answered a challenge for an endorsement key that is neither listed nor certified',
    "Send the endorsement key's certificate for a new challenge, or have the key listed.",
  );
}

/**
 * The issuance policies of AD CS that an attestation has earned (MS-WCCE 3.2.2.6.2.1.4.5.7), best first: 21.30 the
 * endorsement key is listed (high assurance), 21.31 its certificate leads to a manufacturer (medium), 21.32 the user's
 * own credentials vouch for it (low). A certificate of the attestation key alone earns none of the first two: which
 * endorsement key stands behind it, its CA knows and we do not.
 */
export async function issuancePoliciesOf(
  { attestationKey }: Pick<TpmKeyAttestation, 'attestationKey'>,
  known: {
    readonly isUserAuthenticated: boolean;
    readonly isListedEndorsementKey?: AttestationRules['isListedEndorsementKey'] | undefined;
  },
): Promise<readonly string[]> {
  const activation = attestationKey.kind === 'activation' ? attestationKey.activation : undefined;
  const isListed =
    activation !== undefined &&
    (await known.isListedEndorsementKey?.(TpmPublicArea.parse(activation.endorsementKey).publicKey.keyId)) ===
      true;
  return [
    ...(isListed ? [oids.enrollEkVerifyKey] : []),
    ...(activation?.endorsement.kind === 'certificate' ? [oids.enrollEkVerifyCert] : []),
    ...(known.isUserAuthenticated ? [oids.enrollEkVerifyCreds] : []),
  ];
}
