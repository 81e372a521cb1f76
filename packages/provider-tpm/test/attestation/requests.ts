import { createHash } from 'node:crypto';
import {
  CertificationRequest,
  createCertificationRequest,
  TpmPublicArea,
  tpmKeyEvidenceAttribute,
  type Key,
  type TpmKeyEvidence,
} from '@countersign/core';
import { sign, type SessionPool, type TpmSignature } from '../../src/session/index.ts';
import type { LoadedKey } from '../../src/attestation/index.ts';

/** A request that a key of the TPM signed, with evidence in it, as the verifier reads it. */
export async function requestFor(
  pool: SessionPool,
  key: LoadedKey,
  evidence: TpmKeyEvidence,
): Promise<CertificationRequest> {
  const attributes = [tpmKeyEvidenceAttribute(evidence)];
  const request = CertificationRequest.parse(
    await createCertificationRequest(requester(pool, key), { attributes }),
  );
  request.verifyProofOfPossession();
  return request;
}

function requester(pool: SessionPool, key: LoadedKey): Key {
  const { publicKey } = TpmPublicArea.parse(key.publicArea);
  const isRsa = publicKey.curve === undefined;
  return {
    ref: 'test:tpm',
    label: 'user',
    algorithm: publicKey.algorithm,
    publicKey: publicKey.subjectPublicKeyInfo,
    schemes: [isRsa ? 'rsa-pkcs1-sha256' : 'ecdsa-sha256'],
    sign: async (_, message) => {
      const digest = createHash('sha256').update(message).digest();
      const algorithm = isRsa ? 'rsassa' : 'ecdsa';
      return x509Value(await sign(pool, key, digest, { algorithm, hash: 'sha256' }));
    },
  };
}

/** ECDSA-Sig-Value of P-256 is short enough for lengths of one octet. */
function x509Value(signature: TpmSignature): Uint8Array {
  if (signature.algorithm !== 'ecdsa') return signature.signature;
  const contents = Buffer.concat([derInteger(signature.r), derInteger(signature.s)]);
  return Uint8Array.of(0x30, contents.length, ...contents);
}

function derInteger(value: Uint8Array): Uint8Array {
  const magnitude = value.subarray(value.findIndex((octet) => octet !== 0));
  const padding = (magnitude[0] ?? 0) < 0x80 ? [] : [0];
  return Uint8Array.of(0x02, padding.length + magnitude.length, ...padding, ...magnitude);
}
