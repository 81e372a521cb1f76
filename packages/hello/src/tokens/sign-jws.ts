import { CountersignError, PublicKey, type Key, type SignatureScheme } from '@countersign/core';
import { jwsEcdsaSignature } from './ecdsa-signature.ts';
import { keyIdOf } from './json-web-keys.ts';

/** RFC 7518 3.1 and RFC 8037 3.1. `RS256`, which every reader of Microsoft's tokens knows, comes first where RSA is. */
const algorithms: readonly (readonly [SignatureScheme, string])[] = [
  ['rsa-pkcs1-sha256', 'RS256'],
  ['rsa-pss-sha256', 'PS256'],
  ['ecdsa-sha256', 'ES256'],
  ['ecdsa-sha384', 'ES384'],
  ['ecdsa-sha512', 'ES512'],
  ['ed25519', 'EdDSA'],
];

/** What verifiers accept: what `signJws` makes. */
export const jwsAlgorithms: readonly string[] = algorithms.map(([, name]) => name);

/**
 * Signs claims as a JWT in JWS compact form (RFC 7515 7.1, RFC 7519), with a key of whatever provider.
 * @throws CountersignError what `key.sign` throws; `SCHEME_NOT_SUPPORTED` for a key that JWS has no algorithm for
 */
export async function signJws(key: Key, claims: Readonly<Record<string, unknown>>): Promise<string> {
  const publicKey = PublicKey.parse(key.publicKey);
  const [scheme, alg] = algorithmFor(key, publicKey);
  const header = { alg, typ: 'JWT', kid: await keyIdOf(publicKey) };
  const signingInput = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
  const signature = await key.sign(scheme, Buffer.from(signingInput, 'ascii'));
  const { curve } = publicKey;
  const jwsSignature = curve === undefined ? signature : jwsEcdsaSignature(signature, curve.coordinateBytes);
  return `${signingInput}.${Buffer.from(jwsSignature).toString('base64url')}`;
}

function algorithmFor(key: Key, { algorithm }: PublicKey): readonly [SignatureScheme, string] {
  // RFC 7518 3.4 ties each of these to one curve.
  const ofCurve = { p256: 'ES256', p384: 'ES384', p521: 'ES512' } as const;
  const only =
    algorithm === 'p256' || algorithm === 'p384' || algorithm === 'p521' ? ofCurve[algorithm] : undefined;
  const found = algorithms.find(
    ([scheme, name]) => key.schemes.includes(scheme) && (only === undefined || name === only),
  );
  if (found !== undefined) return found;
  throw new CountersignError(
    'SCHEME_NOT_SUPPORTED',
    `the key ${key.ref} signs with ${key.schemes.join(', ') || 'nothing'}, which is no way to sign a token`,
    'Use an RSA key, an Ed25519 key, or one on P-256 (SHA-256), P-384 (SHA-384) or P-521 (SHA-512).',
  );
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
