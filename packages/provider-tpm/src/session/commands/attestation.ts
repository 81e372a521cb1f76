import { hashAlgorithms, type HashAlgorithm } from '../algorithms.ts';
import { commands } from '../command-table.ts';
import type { Entity } from '../entity.ts';
import { writeScheme } from '../public-area.ts';
import type { SessionPool } from '../session-pool.ts';
import { TpmReader } from '../wire/tpm-reader.ts';
import { TpmWriter } from '../wire/tpm-writer.ts';
import type { AuthorizedEntity } from './authorized-entity.ts';
import { readSignature, type SignatureScheme, type TpmSignature } from './signatures.ts';

/** Of a nonce that the verifier chose. */
export interface Attestation {
  /** TPMS_ATTEST, the bytes that are signed. */
  readonly attest: Uint8Array;
  readonly signature: TpmSignature;
}

export interface PcrSelection {
  readonly hash: HashAlgorithm;
  /** From 0 to 23. */
  readonly pcrs: readonly number[];
}

/** What TPM2_MakeCredential gives and TPM2_ActivateCredential takes. */
export interface CredentialBlob {
  /** TPM2B_ID_OBJECT without its size. */
  readonly credentialBlob: Uint8Array;
  /** TPM2B_ENCRYPTED_SECRET without its size. */
  readonly encryptedSecret: Uint8Array;
}

/** TPM2_Certify: the signing key says that the object is loaded in its TPM. */
export async function certify(
  pool: SessionPool,
  object: AuthorizedEntity,
  signingKey: AuthorizedEntity,
  nonce: Uint8Array,
  scheme: SignatureScheme,
): Promise<Attestation> {
  const parameters = writeScheme(new TpmWriter().sized(nonce), scheme).finish();
  const command = { layout: commands.certify, handles: [object, signingKey], parameters };
  const result = await pool.execute(command, [object.authorization, signingKey.authorization]);
  return parseAttestation(result.parameters, commands.certify.name);
}

/** TPM2_Quote: the signing key says what the PCRs hold. */
export async function quote(
  pool: SessionPool,
  signingKey: AuthorizedEntity,
  nonce: Uint8Array,
  scheme: SignatureScheme,
  selections: readonly PcrSelection[],
): Promise<Attestation> {
  const writer = writeScheme(new TpmWriter().sized(nonce), scheme).u32(selections.length);
  for (const { hash, pcrs } of selections) {
    const bitmap = pcrs.reduce((bits, pcr) => bits | (1 << pcr), 0);
    writer.u16(hashAlgorithms[hash].id).u8(3);
    writer
      .u8(bitmap & 0xff)
      .u8((bitmap >>> 8) & 0xff)
      .u8((bitmap >>> 16) & 0xff);
  }
  const command = { layout: commands.quote, handles: [signingKey], parameters: writer.finish() };
  const result = await pool.execute(command, [signingKey.authorization]);
  return parseAttestation(result.parameters, commands.quote.name);
}

/**
 * TPM2_ActivateCredential: the secret in the credential, if the object and the key are in one TPM.
 * @param object the key that the credential names, its ADMIN role authorized.
 * @param key that decrypts, such as an endorsement key in a policy session.
 * @returns the secret; the caller wipes it.
 */
export async function activateCredential(
  pool: SessionPool,
  object: AuthorizedEntity,
  key: AuthorizedEntity,
  { credentialBlob, encryptedSecret }: CredentialBlob,
): Promise<Uint8Array> {
  const parameters = new TpmWriter().sized(credentialBlob).sized(encryptedSecret).finish();
  const command = { layout: commands.activateCredential, handles: [object, key], parameters };
  const result = await pool.execute(command, [object.authorization, key.authorization]);
  try {
    const reader = new TpmReader(result.parameters, 'response to TPM2_ActivateCredential');
    const secret = reader.sized();
    reader.end();
    return secret;
  } finally {
    result.parameters.fill(0);
  }
}

/** TPM2_MakeCredential: seals a secret to the key for the object of this Name. */
export async function makeCredential(
  pool: SessionPool,
  key: Entity,
  secret: Uint8Array,
  objectName: Uint8Array,
): Promise<CredentialBlob> {
  const parameters = new TpmWriter().sized(secret).sized(objectName).finish();
  try {
    const result = await pool.execute({ layout: commands.makeCredential, handles: [key], parameters }, []);
    const reader = new TpmReader(result.parameters, 'response to TPM2_MakeCredential');
    const blob = { credentialBlob: reader.sized(), encryptedSecret: reader.sized() };
    reader.end();
    return blob;
  } finally {
    parameters.fill(0);
  }
}

function parseAttestation(parameters: Uint8Array, command: string): Attestation {
  const reader = new TpmReader(parameters, `response to ${command}`);
  const attestation = { attest: reader.sized(), signature: readSignature(reader) };
  reader.end();
  return attestation;
}
