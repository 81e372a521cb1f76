import { createECDH, createPrivateKey, createPublicKey, KeyObject } from 'node:crypto';
import type { PublicKey } from '@countersign/core';

/** Recognizes the private half of one key in whatever form it is found, and any private key in a usual encoding. */
export class PrivateKeyFinder {
  readonly #publicKey: PublicKey;
  readonly #modulus: bigint | undefined;

  constructor(publicKey: PublicKey) {
    this.#publicKey = publicKey;
    const { rsaModulus } = publicKey;
    this.#modulus = rsaModulus === undefined ? undefined : toBigInt(rsaModulus);
  }

  /** What kind of private key a value is, or undefined. */
  recognize(value: unknown): string | undefined {
    if (value instanceof KeyObject) return value.type === 'private' ? 'a private KeyObject' : undefined;
    if (value instanceof CryptoKey) {
      return value.type === 'private' && value.extractable ? 'an extractable CryptoKey' : undefined;
    }
    if (value instanceof ArrayBuffer) return this.#recognizeOctets(new Uint8Array(value));
    if (value instanceof Uint8Array) return this.#recognizeOctets(value);
    if (typeof value === 'string') return this.#recognizeText(value);
    if (typeof value === 'bigint' && value > 0n)
      return this.#recognizeOctets(fromBigInt(value, this.#scalarBytes));
    return undefined;
  }

  /** Looks into a longer text, such as what util.inspect or JSON.stringify give. */
  recognizeIn(text: string): string | undefined {
    const pem = pemIn(text);
    if (pem !== undefined) return pem;
    for (const [spaced] of text.matchAll(/\b[0-9a-f]{2}(?: [0-9a-f]{2}){30,}/gi)) {
      const found = this.#recognizeText(spaced.replaceAll(' ', ''));
      if (found !== undefined) return found;
    }
    for (const [token] of text.matchAll(/[A-Za-z0-9+/_-]{42,}={0,2}/g)) {
      const found = this.#recognizeText(token);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #recognizeText(text: string): string | undefined {
    if (text.length < 40 || text.length > 20_000) return undefined;
    const pem = pemIn(text);
    if (pem !== undefined) return pem;
    const isHex = /^(?:[0-9a-f]{2})+$/i.test(text);
    if (!isHex && !/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined;
    const found = this.#recognizeOctets(Buffer.from(text, isHex ? 'hex' : 'base64'));
    return found === undefined ? undefined : `${found}, ${isHex ? 'in hex' : 'in base64'}`;
  }

  #recognizeOctets(octets: Uint8Array): string | undefined {
    if (octets.length < 31 || octets.length > 16_384) return undefined;
    if (octets.length < 4096 && pemIn(Buffer.from(octets).toString('latin1')) !== undefined) return 'PEM';
    return encodedPrivateKey(octets) ?? this.#ownPrivateKey(octets);
  }

  /** The scalar of an EC key, the seed of an Ed25519 key, or a prime of an RSA key. */
  #ownPrivateKey(octets: Uint8Array): string | undefined {
    if (this.#modulus !== undefined) {
      const isPrime = octets.length <= 256 && dividesProperly(toBigInt(octets), this.#modulus);
      return isPrime ? 'a prime of the RSA key' : undefined;
    }
    if (octets.length !== this.#scalarBytes) return undefined;
    return this.#publicKey.algorithm === 'ed25519' ? this.#asSeed(octets) : this.#asScalar(octets);
  }

  #asScalar(octets: Uint8Array): string | undefined {
    const { curve, subjectPublicKey } = this.#publicKey;
    const names = { p256: 'prime256v1', p384: 'secp384r1', p521: 'secp521r1' };
    const scalar = toBigInt(octets);
    if (curve === undefined || scalar === 0n || scalar >= curve.n) return undefined;
    const ecdh = createECDH(names[curve.algorithm]);
    ecdh.setPrivateKey(octets);
    return ecdh.getPublicKey().equals(subjectPublicKey) ? 'the private scalar' : undefined;
  }

  /** RFC 8410 7: PrivateKeyInfo around a seed. */
  #asSeed(seed: Uint8Array): string | undefined {
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
    const publicKey = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    return Buffer.compare(spki, this.#publicKey.subjectPublicKeyInfo) === 0 ? 'the private seed' : undefined;
  }

  get #scalarBytes(): number {
    return this.#publicKey.curve?.coordinateBytes ?? 32;
  }
}

/** PKCS#8 (RFC 5958), SEC 1 (RFC 5915) or PKCS#1 (RFC 8017 A.1.2), unencrypted. */
function encodedPrivateKey(octets: Uint8Array): string | undefined {
  if (octets[0] !== 0x30) return undefined;
  for (const type of ['pkcs8', 'sec1', 'pkcs1'] as const) {
    try {
      createPrivateKey({ key: Buffer.from(octets), format: 'der', type });
      return `a private key, ${type.toUpperCase()}`;
    } catch {
      // It is none of this form.
    }
  }
  return undefined;
}

/** RFC 7468 10, and the older labels. What is encrypted or wrapped has other ones. */
function pemIn(text: string): string | undefined {
  return /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/.test(text) ? 'a private key, PEM' : undefined;
}

function dividesProperly(factor: bigint, modulus: bigint): boolean {
  return factor > 1n && factor < modulus && modulus % factor === 0n;
}

function toBigInt(octets: Uint8Array): bigint {
  return octets.length === 0 ? 0n : BigInt(`0x${Buffer.from(octets).toString('hex')}`);
}

function fromBigInt(value: bigint, octets: number): Uint8Array {
  return Buffer.from(
    value
      .toString(16)
      .padStart(octets * 2, '0')
      .slice(-octets * 2),
    'hex',
  );
}
