import { context, integer, nullValue, oid, sequence } from '../asn1/der-writer.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import type { KeyAlgorithm } from './key-algorithm.ts';
import { signatureSchemes, type SignatureScheme } from './signature-scheme.ts';

export type HashAlgorithm = 'sha256' | 'sha384' | 'sha512';

interface SchemeFacts {
  /** What `node:crypto` hashes with; Ed25519 hashes inside. */
  readonly hash: HashAlgorithm | undefined;
  readonly family: 'ecdsa' | 'rsa-pkcs1' | 'rsa-pss' | 'ed25519';
  /** AlgorithmIdentifier, DER: the form to write first, then others that a reader must accept as the same. */
  readonly algorithmIdentifiers: readonly [Uint8Array, ...Uint8Array[]];
}

/** What a scheme is made of. */
export function schemeFacts(scheme: SignatureScheme): SchemeFacts {
  return facts[scheme];
}

/** The AlgorithmIdentifier (DER) that names this scheme in certificates, requests and CMS. */
export function signatureAlgorithmIdentifier(scheme: SignatureScheme): Uint8Array {
  return facts[scheme].algorithmIdentifiers[0];
}

/** The AlgorithmIdentifier (DER) of a hash on its own; RFC 5754 2: parameters absent. */
export function digestAlgorithmIdentifier(hash: HashAlgorithm): Uint8Array {
  return sequence(oid(oids[hash]));
}

/**
 * The scheme that an AlgorithmIdentifier names. The octets must be one of the forms that the standards give, to the
 * letter: RSA PKCS#1 with NULL or absent parameters (RFC 4055 5), ECDSA without (RFC 5758 3.2), RSASSA-PSS with MGF1
 * over the same hash and a salt as long as it.
 * @throws CountersignError `ALGORITHM_NOT_SUPPORTED`
 */
export function parseSignatureAlgorithm(algorithmIdentifier: Uint8Array): SignatureScheme {
  const scheme = schemesByIdentifier.get(latin1(algorithmIdentifier));
  if (scheme !== undefined) return scheme;
  throw new CountersignError(
    'ALGORITHM_NOT_SUPPORTED',
    `the signature algorithm identifier ${Buffer.from(algorithmIdentifier).subarray(0, 80).toString('hex')} is none of those accepted`,
    `Sign with one of ${signatureSchemes.join(', ')}; SHA-1, MD5 and PSS salts of other lengths are refused.`,
    { adcs: 'NTE_BAD_SIGNATURE' },
  );
}

/**
 * The scheme that the signatureAlgorithm of a CMS SignerInfo names. RFC 3370 3.2: readers MUST also know rsaEncryption,
 * which leaves the hash to digestAlgorithm. OpenSSL writes nothing else for PKCS #1 v1.5.
 * @throws CountersignError `ALGORITHM_NOT_SUPPORTED`
 */
export function parseCmsSignatureAlgorithm(
  algorithmIdentifier: Uint8Array,
  hash: HashAlgorithm,
): SignatureScheme {
  return Buffer.compare(algorithmIdentifier, rsaEncryption) === 0
    ? `rsa-pkcs1-${hash}`
    : parseSignatureAlgorithm(algorithmIdentifier);
}

/** The hash that a digest AlgorithmIdentifier names, with parameters absent or NULL (RFC 5754 2). */
export function parseDigestAlgorithm(algorithmIdentifier: Uint8Array): HashAlgorithm {
  const hash = hashesByIdentifier.get(latin1(algorithmIdentifier));
  if (hash !== undefined) return hash;
  throw new CountersignError(
    'ALGORITHM_NOT_SUPPORTED',
    'the digest algorithm is none of SHA-256, SHA-384 and SHA-512',
    'Sign with one of these.',
    { adcs: 'NTE_BAD_SIGNATURE' },
  );
}

/** Whether an AlgorithmIdentifier names a hash that `parseDigestAlgorithm` takes. */
export function isDigestAlgorithm(algorithmIdentifier: Uint8Array): boolean {
  return hashesByIdentifier.has(latin1(algorithmIdentifier));
}

/** Every scheme that a key of this algorithm can make, best first. */
export function schemesOf(algorithm: KeyAlgorithm): readonly SignatureScheme[] {
  switch (algorithm) {
    case 'p256':
      return ['ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512'];
    case 'p384':
      return ['ecdsa-sha384', 'ecdsa-sha256', 'ecdsa-sha512'];
    case 'p521':
      return ['ecdsa-sha512', 'ecdsa-sha384', 'ecdsa-sha256'];
    case 'rsa2048':
    case 'rsa3072':
    case 'rsa4096':
      return [
        'rsa-pkcs1-sha256',
        'rsa-pss-sha256',
        'rsa-pkcs1-sha384',
        'rsa-pss-sha384',
        'rsa-pkcs1-sha512',
        'rsa-pss-sha512',
      ];
    case 'ed25519':
      return ['ed25519'];
  }
}

export const hashBytes: Readonly<Record<HashAlgorithm, number>> = { sha256: 32, sha384: 48, sha512: 64 };

const facts: Readonly<Record<SignatureScheme, SchemeFacts>> = {
  'ecdsa-sha256': ecdsa('sha256', oids.ecdsaWithSHA256),
  'ecdsa-sha384': ecdsa('sha384', oids.ecdsaWithSHA384),
  'ecdsa-sha512': ecdsa('sha512', oids.ecdsaWithSHA512),
  'rsa-pkcs1-sha256': rsaPkcs1('sha256', oids.sha256WithRSAEncryption),
  'rsa-pkcs1-sha384': rsaPkcs1('sha384', oids.sha384WithRSAEncryption),
  'rsa-pkcs1-sha512': rsaPkcs1('sha512', oids.sha512WithRSAEncryption),
  'rsa-pss-sha256': rsaPss('sha256'),
  'rsa-pss-sha384': rsaPss('sha384'),
  'rsa-pss-sha512': rsaPss('sha512'),
  ed25519: { hash: undefined, family: 'ed25519', algorithmIdentifiers: [sequence(oid(oids.ed25519))] },
};

const rsaEncryption = sequence(oid(oids.rsaEncryption), nullValue());

const schemesByIdentifier: ReadonlyMap<string, SignatureScheme> = new Map(
  signatureSchemes.flatMap((scheme) =>
    facts[scheme].algorithmIdentifiers.map((identifier) => [latin1(identifier), scheme] as const),
  ),
);

const hashes = ['sha256', 'sha384', 'sha512'] as const;

const hashesByIdentifier: ReadonlyMap<string, HashAlgorithm> = new Map(
  hashes.flatMap((hash) => [
    [latin1(digestAlgorithmIdentifier(hash)), hash] as const,
    [latin1(sequence(oid(oids[hash]), nullValue())), hash] as const,
  ]),
);

function ecdsa(hash: HashAlgorithm, algorithm: string): SchemeFacts {
  return { hash, family: 'ecdsa', algorithmIdentifiers: [sequence(oid(algorithm))] };
}

function rsaPkcs1(hash: HashAlgorithm, algorithm: string): SchemeFacts {
  return {
    hash,
    family: 'rsa-pkcs1',
    algorithmIdentifiers: [sequence(oid(algorithm), nullValue()), sequence(oid(algorithm))],
  };
}

/** RFC 4055 3.1 writes the hash identifiers with NULL and lets readers meet them without. */
function rsaPss(hash: HashAlgorithm): SchemeFacts {
  const withNull = sequence(oid(oids[hash]), nullValue());
  const without = sequence(oid(oids[hash]));
  const form = (digest: Uint8Array, maskDigest: Uint8Array): Uint8Array =>
    sequence(
      oid(oids.rsassaPss),
      sequence(
        context(0, digest),
        context(1, sequence(oid(oids.mgf1), maskDigest)),
        context(2, integer(hashBytes[hash])),
      ),
    );
  return {
    hash,
    family: 'rsa-pss',
    algorithmIdentifiers: [
      form(withNull, withNull),
      form(without, without),
      form(without, withNull),
      form(withNull, without),
    ],
  };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
