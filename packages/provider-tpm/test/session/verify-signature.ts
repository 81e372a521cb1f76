import { constants, createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { parsePublicArea, type TpmSignature } from '../../src/session/index.ts';

/** Whether node:crypto accepts the signature of the key in the TPMT_PUBLIC. */
export function verifies(publicArea: Uint8Array, message: Uint8Array, signature: TpmSignature): boolean {
  const key = publicKeyOf(publicArea);
  switch (signature.algorithm) {
    case 'ecdsa':
      return verify(
        signature.hash,
        message,
        { key, dsaEncoding: 'ieee-p1363' },
        Buffer.concat([signature.r, signature.s]),
      );
    case 'rsassa':
      return verify(signature.hash, message, key, signature.signature);
    case 'rsapss':
      return verify(
        signature.hash,
        message,
        { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO },
        signature.signature,
      );
  }
}

export function sha256(message: Uint8Array): Uint8Array {
  return createHash('sha256').update(message).digest();
}

function publicKeyOf(publicArea: Uint8Array): KeyObject {
  const area = parsePublicArea(publicArea);
  const jwk =
    area.type === 'ecc'
      ? { kty: 'EC', crv: 'P-256', x: base64url(area.x), y: base64url(area.y) }
      : { kty: 'RSA', n: base64url(area.modulus), e: 'AQAB' };
  return createPublicKey({ format: 'jwk', key: jwk });
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
