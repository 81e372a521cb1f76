import type { CountersignError } from '../errors.ts';
import { attestationRefused } from './refusal.ts';
import type { ObjectAttribute } from './tpm/object-attributes.ts';
import type { TpmPublicArea } from './tpm/public-area.ts';

/**
 * Demands that a certified key was made in the TPM, can never leave it, is for signing, and cannot be used by whoever
 * comes along.
 * @throws CountersignError `ATTESTATION_ATTRIBUTES_REFUSED`
 */
export function assertCertifiedKeyAttributes(key: TpmPublicArea): void {
  assertBornAndKept(key, 'certified key');
  // A restricted key signs what the TPM made and nothing else: no request, no logon.
  assertAttribute(key, 'restricted', false, 'certified key');
  assertAttribute(key, 'sign', true, 'certified key');
  assertAuthorization(key, 'certified key');
}

/**
 * Demands that a key can sign attestations and nothing that its owner made up: restricted keys refuse what begins with
 * TPM_GENERATED unless the TPM wrote it (TPM 2.0 part 1, 31.2).
 * @throws CountersignError `ATTESTATION_ATTRIBUTES_REFUSED`
 */
export function assertAttestationKeyAttributes(key: TpmPublicArea): void {
  assertBornAndKept(key, 'attestation key');
  assertAttribute(key, 'restricted', true, 'attestation key');
  assertAttribute(key, 'sign', true, 'attestation key');
  assertAttribute(key, 'decrypt', false, 'attestation key');
}

function assertBornAndKept(key: TpmPublicArea, role: string): void {
  assertAttribute(key, 'fixedTPM', true, role);
  assertAttribute(key, 'fixedParent', true, role);
  assertAttribute(key, 'sensitiveDataOrigin', true, role);
  // TPM 2.0 part 2, 8.3.3.7: only for objects that may be duplicated.
  assertAttribute(key, 'encryptedDuplication', false, role);
}

/** Without userWithAuth and without a policy no one could use the key, without either being meant. */
function assertAuthorization(key: TpmPublicArea, role: string): void {
  if (key.attributes.has('userWithAuth') || key.authPolicy.length > 0) return;
  throw refused(key, role, 'neither userWithAuth nor a policy');
}

function assertAttribute(
  key: TpmPublicArea,
  attribute: ObjectAttribute,
  expected: boolean,
  role: string,
): void {
  if (key.attributes.has(attribute) === expected) return;
  throw refused(key, role, expected ? `${attribute} clear` : `${attribute} set`);
}

function refused({ attributes }: TpmPublicArea, role: string, found: string): CountersignError {
  return attestationRefused(
    'ATTESTATION_ATTRIBUTES_REFUSED',
    `the ${role} has ${found}; its attributes are ${[...attributes].join(', ') || 'none'}`,
    role === 'attestation key'
      ? 'Make a restricted signing key in the TPM: fixedTPM, fixedParent, sensitiveDataOrigin, restricted, sign.'
      : 'Make the key in the TPM, for signing: fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, sign.',
  );
}
