import { createHash } from 'node:crypto';
import { hashAlgorithms, type HashAlgorithm } from './algorithms.ts';
import { TpmWriter } from './wire/tpm-writer.ts';

/**
 * Something that a command names by handle. The Name is what authorizations are computed over, so a handle that leads
 * elsewhere than the caller thinks makes the TPM refuse the command (TPM 2.0 part 1, 16).
 */
export interface Entity {
  readonly handle: number;
  readonly name: Uint8Array;
}

/** TPM_RH (TPM 2.0 part 2, 7.4). */
export const permanentHandles = {
  owner: 0x40000001,
  null: 0x40000007,
  lockout: 0x4000000a,
  endorsement: 0x4000000b,
  platform: 0x4000000c,
} as const;

/** Hierarchies, PCRs and sessions: their Name is their handle. */
export function entityNamedByHandle(handle: number): Entity {
  return { handle, name: new TpmWriter().u32(handle).finish() };
}

/** nameAlg followed by the digest of the public area: the Name of an object (TPMT_PUBLIC) or NV index (TPMS_NV_PUBLIC). */
export function computeName(nameAlgorithm: HashAlgorithm, publicArea: Uint8Array): Uint8Array {
  const digest = createHash(nameAlgorithm).update(publicArea).digest();
  return new TpmWriter().u16(hashAlgorithms[nameAlgorithm].id).bytes(digest).finish();
}

/** TPM_HT, the first byte of a handle (TPM 2.0 part 2, 7.2). */
export const handleTypes = { hmacSession: 0x02, policySession: 0x03, transient: 0x80 } as const;

export function handleType(handle: number): number {
  return Math.floor(handle / 0x1000000);
}
