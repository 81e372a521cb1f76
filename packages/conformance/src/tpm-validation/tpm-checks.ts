import { algorithmChecks } from './checks/algorithms.ts';
import { attestationChecks } from './checks/attestation.ts';
import { endorsementChecks } from './checks/endorsement.ts';
import { identityChecks } from './checks/identity.ts';
import { keyChecks } from './checks/keys.ts';
import { latencyChecks } from './checks/latency.ts';
import { lockoutChecks } from './checks/lockout.ts';
import { persistenceChecks } from './checks/persistence.ts';
import { randomChecks } from './checks/random.ts';
import { signatureChecks } from './checks/signatures.ts';
import type { TpmCheck } from './tpm-check.ts';

/** In the order in which they are made: what is cheap first, what takes long or changes the TPM last. */
export const tpmChecks: readonly TpmCheck[] = [
  ...identityChecks,
  ...algorithmChecks,
  ...lockoutChecks.filter(({ id }) => id !== 'lockout.pin'),
  ...keyChecks.filter(({ id }) => !id.startsWith('keys.weak')),
  ...signatureChecks,
  ...endorsementChecks,
  ...attestationChecks,
  ...randomChecks,
  ...latencyChecks.filter(({ id }) => !id.endsWith('-create')),
  ...keyChecks.filter(({ id }) => id.startsWith('keys.weak')),
  ...latencyChecks.filter(({ id }) => id.endsWith('-create')),
  ...lockoutChecks.filter(({ id }) => id === 'lockout.pin'),
  ...persistenceChecks,
];
