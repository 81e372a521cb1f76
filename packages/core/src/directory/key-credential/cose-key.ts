import { ecPublicKey, ed25519PublicKey, rsaPublicKey } from '../../keys/assemble-public-key.ts';
import { ellipticCurves } from '../../keys/elliptic-curve.ts';
import type { PublicKey } from '../../keys/public-key.ts';
import type { Cbor, CborMap } from './cbor.ts';
import { keyCredentialMalformed } from './key-credential-malformed.ts';

/** Labels of COSE_Key (RFC 9053 7, RFC 8230 4); below zero they mean another thing for each key type. */
const label = { keyType: 1, algorithm: 3, curve: -1, x: -2, y: -3, modulus: -1, exponent: -2 } as const;
const keyType = { okp: 1, ec2: 2, rsa: 3 } as const;

/** Key type, algorithm and curve that belong together (WebAuthn 5.8.5). */
const ecCurves = [
  { algorithm: -7, curve: 1, name: 'p256' },
  { algorithm: -35, curve: 2, name: 'p384' },
  { algorithm: -36, curve: 3, name: 'p521' },
] as const;
const edDsa = { algorithm: -8, curve: 6 } as const;
const rs256 = -257;

/** The public key in a COSE_Key that signs: ES256, ES384, ES512, EdDSA or RS256. */
export function publicKeyOfCose(key: CborMap): PublicKey {
  const type = key.get(label.keyType);
  const algorithm = key.get(label.algorithm);
  const curve = key.get(label.curve);
  const part = (at: number): Uint8Array => octets(key.get(at));
  if (type === keyType.rsa && algorithm === rs256) {
    return rsaPublicKey(part(label.modulus), part(label.exponent));
  }
  if (type === keyType.okp && algorithm === edDsa.algorithm && curve === edDsa.curve) {
    return ed25519PublicKey(part(label.x));
  }
  const name = ecCurves.find((known) => known.algorithm === algorithm && known.curve === curve)?.name;
  const ecCurve = ellipticCurves.find((known) => known.algorithm === name);
  if (type === keyType.ec2 && ecCurve !== undefined) {
    return ecPublicKey(ecCurve, part(label.x), part(label.y));
  }
  throw keyCredentialMalformed(
    'a COSE key is for another algorithm than ES256, ES384, ES512, EdDSA and RS256, or its curve is not that of it',
  );
}

function octets(item: Cbor | undefined): Uint8Array {
  if (item instanceof Uint8Array) return item;
  throw keyCredentialMalformed('a COSE key lacks a part, or has something other than octets for it');
}
