import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { DerReader } from '../asn1/der-reader.ts';
import { tag } from '../asn1/tag.ts';
import { CountersignError, type ErrorCode } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import { ed25519PointDefect } from './edwards-curve.ts';
import { ellipticCurves, pointDefect, toBigInt, type EllipticCurve } from './elliptic-curve.ts';
import { keyAlgorithms, type KeyAlgorithm } from './key-algorithm.ts';

/** A public key whose octets were checked before `node:crypto` saw them. */
export class PublicKey {
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER. */
  readonly subjectPublicKeyInfo: Uint8Array;
  /** The contents of `subjectPublicKey`: an ECPoint, an RSAPublicKey, or the 32 octets of an Ed25519 key. */
  readonly subjectPublicKey: Uint8Array;
  #keyObject: KeyObject | undefined;
  #keyIdentifier: Uint8Array | undefined;

  private constructor(
    algorithm: KeyAlgorithm,
    subjectPublicKeyInfo: Uint8Array,
    subjectPublicKey: Uint8Array,
  ) {
    this.algorithm = algorithm;
    this.subjectPublicKeyInfo = subjectPublicKeyInfo;
    this.subjectPublicKey = subjectPublicKey;
  }

  /**
   * Parses a SubjectPublicKeyInfo (RFC 5280 4.1.2.7, RFC 3279 2.3.1, RFC 5480, RFC 8410) and validates the key.
   * @throws CountersignError `DER_MALFORMED`, `ALGORITHM_NOT_SUPPORTED`, `KEY_NOT_ACCEPTABLE`,
   *   `KEY_EXPONENT_NOT_ACCEPTABLE`, `KEY_POINT_INVALID`, `KEY_CURVE_NOT_NAMED`
   */
  static parse(subjectPublicKeyInfo: Uint8Array): PublicKey {
    const reader = DerReader.sequence(subjectPublicKeyInfo, 'subject public key info');
    const algorithmIdentifier = reader.sequence();
    const parse = parsers.get(algorithmIdentifier.oid());
    if (parse === undefined) throw unsupported('neither RSA, nor ECDSA on a NIST curve, nor Ed25519');
    const curveOrNothing = parse.parameters(algorithmIdentifier);
    algorithmIdentifier.end();
    const subjectPublicKey = reader.octetAlignedBitString();
    reader.end();
    return new PublicKey(parse.key(subjectPublicKey, curveOrNothing), subjectPublicKeyInfo, subjectPublicKey);
  }

  /** The imported key. Importing costs tens of microseconds, so it happens at first use and once. */
  get keyObject(): KeyObject {
    // The octets are validated and belong to this object's owner; node reads them without keeping them.
    this.#keyObject ??= createPublicKey({
      key: Buffer.from(
        this.subjectPublicKeyInfo.buffer,
        this.subjectPublicKeyInfo.byteOffset,
        this.subjectPublicKeyInfo.length,
      ),
      format: 'der',
      type: 'spki',
    });
    return this.#keyObject;
  }

  /** RFC 5280 4.2.1.2 method (1): SHA-1 of the subjectPublicKey octets, an identifier and not a security measure. */
  get keyIdentifier(): Uint8Array {
    this.#keyIdentifier ??= createHash('sha1').update(this.subjectPublicKey).digest();
    return this.#keyIdentifier;
  }

  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex: how people and the directory name this key. */
  get keyId(): string {
    return createHash('sha256').update(this.subjectPublicKeyInfo).digest('hex');
  }

  /** The RSA modulus, big-endian without a sign octet, or `undefined` for other keys. */
  get rsaModulus(): Uint8Array | undefined {
    if (this.rsaModulusBytes === undefined) return undefined;
    return DerReader.sequence(this.subjectPublicKey, 'RSA public key').unsignedInteger();
  }

  /** Octets of the RSA modulus, or `undefined` for other keys. */
  get rsaModulusBytes(): number | undefined {
    return this.algorithm.startsWith('rsa') ? Number(this.algorithm.slice(3)) / 8 : undefined;
  }

  get curve(): EllipticCurve | undefined {
    return ellipticCurves.find(({ algorithm }) => algorithm === this.algorithm);
  }

  /** Whether both are the same key. Public octets: no constant time needed. */
  equals(other: PublicKey): boolean {
    return Buffer.compare(this.subjectPublicKeyInfo, other.subjectPublicKeyInfo) === 0;
  }
}

interface PublicKeyParser {
  parameters(algorithmIdentifier: DerReader): EllipticCurve | undefined;
  key(subjectPublicKey: Uint8Array, curve: EllipticCurve | undefined): KeyAlgorithm;
}

const rsa: PublicKeyParser = {
  parameters(algorithmIdentifier) {
    // RFC 3279 2.3.1: the parameters field MUST have ASN.1 type NULL.
    algorithmIdentifier.null();
    return undefined;
  },
  key(subjectPublicKey) {
    const reader = DerReader.sequence(subjectPublicKey, 'RSA public key');
    const modulus = reader.unsignedInteger();
    const exponent = reader.unsignedInteger();
    reader.end();
    const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
    const algorithm = keyAlgorithms.find((candidate) => candidate === `rsa${bits}`);
    if (algorithm === undefined)
      throw notAcceptable(`an RSA modulus of ${bits} bits`, '2048, 3072 or 4096 bits');
    if (toBigInt(exponent) !== 65537n)
      throw notAcceptable('an RSA public exponent other than 65537', '65537', 'KEY_EXPONENT_NOT_ACCEPTABLE');
    if (((modulus.at(-1) ?? 0) & 1) === 0) throw notAcceptable('an even RSA modulus', 'an odd one');
    return algorithm;
  },
};

const ec: PublicKeyParser = {
  parameters(algorithmIdentifier) {
    // RFC 5480 2.1.1: namedCurve only; explicit and implicit parameters MUST NOT be used.
    if (!algorithmIdentifier.at(tag.objectIdentifier)) {
      throw notAcceptable('curve parameters of its own', 'the name of a curve', 'KEY_CURVE_NOT_NAMED');
    }
    const oid = algorithmIdentifier.oid();
    const curve = ellipticCurves.find((candidate) => candidate.oid === oid);
    if (curve === undefined) throw unsupported(`elliptic curve ${oid}`);
    return curve;
  },
  key(subjectPublicKey, curve) {
    if (curve === undefined) throw unsupported('an elliptic curve key without its curve');
    const defect = pointDefect(curve, subjectPublicKey);
    if (defect !== undefined)
      throw notAcceptable(defect, 'an uncompressed point on the curve', 'KEY_POINT_INVALID');
    return curve.algorithm;
  },
};

const ed25519: PublicKeyParser = {
  parameters() {
    // RFC 8410 3: the parameters MUST be absent; the caller's end() refuses any.
    return undefined;
  },
  key(subjectPublicKey) {
    const defect = ed25519PointDefect(subjectPublicKey);
    if (defect !== undefined)
      throw notAcceptable(defect, '32 octets that are a point of large order', 'KEY_POINT_INVALID');
    return 'ed25519';
  },
};

const parsers: ReadonlyMap<string, PublicKeyParser> = new Map([
  [oids.rsaEncryption, rsa],
  [oids.ecPublicKey, ec],
  [oids.ed25519, ed25519],
]);

function unsupported(found: string): CountersignError {
  return new CountersignError(
    'ALGORITHM_NOT_SUPPORTED',
    `the public key is ${found}`,
    `Use one of ${keyAlgorithms.join(', ')}.`,
    { adcs: 'CERTSRV_E_KEY_LENGTH' },
  );
}

function notAcceptable(
  found: string,
  expected: string,
  code: ErrorCode = 'KEY_NOT_ACCEPTABLE',
): CountersignError {
  return new CountersignError(
    code,
    `the public key has ${found}; expected ${expected}`,
    `Generate a new key pair (${keyAlgorithms.join(', ')}).`,
    { adcs: 'CERTSRV_E_KEY_LENGTH' },
  );
}
