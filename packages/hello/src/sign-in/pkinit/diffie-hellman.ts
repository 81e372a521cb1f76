import { getDiffieHellman, type DiffieHellmanGroup } from 'node:crypto';
import { CountersignError } from '@countersign/core';
import { bitString, DerReader, oid, sequence, unsignedInteger } from '@countersign/core/asn1';
import { pkinitOids } from './pkinit-oids.ts';

/** MODP groups of RFC 3526 that a key is agreed in, by their numbers there; the generator is 2 in all. */
export const dhGroups = [14, 16] as const;

export type DhGroup = (typeof dhGroups)[number];

/** One half of a key agreement (RFC 4556 3.2.1). Used once: there are no nonces for using it again. */
export class KeyAgreement {
  readonly #dh: DiffieHellmanGroup;
  readonly group: DhGroup;
  /** SubjectPublicKeyInfo, DER, with the parameters of RFC 3279 2.3.3. */
  readonly subjectPublicKeyInfo: Uint8Array;

  constructor(group: DhGroup) {
    this.group = group;
    this.#dh = getDiffieHellman(`modp${group}`);
    const publicValue = this.#dh.generateKeys();
    this.subjectPublicKeyInfo = sequence(algorithmIdentifier(group), bitString(unsignedInteger(publicValue)));
  }

  /**
   * @param peer the other side's public value, big-endian
   * @returns the shared secret, as long as the prime: RFC 4556 3.2.3.1 pads it with zeros. The caller wipes it.
   * @throws CountersignError `KDC_REPLY_MISMATCH` for a value that would give the secret away
   */
  sharedSecret(peer: Uint8Array): Uint8Array {
    const prime = primeOf(this.group);
    const value = toBigInt(peer);
    // SP 800-56A 5.6.2.3.1: 2 to p - 2. What the prime is a safe one for, no other subgroup is worth a check.
    if (value < 2n || value > toBigInt(prime) - 2n) throw weakPublicValue(this.group);
    const secret = this.#dh.computeSecret(peer);
    const padded = new Uint8Array(prime.length);
    padded.set(secret, prime.length - secret.length);
    secret.fill(0);
    return padded;
  }
}

/** The groups among these AlgorithmIdentifiers (TD-DH-PARAMETERS, RFC 4556 3.1.3), in their order. */
export function readDhParameters(der: Uint8Array): DhGroup[] {
  const list = DerReader.sequence(der, 'TD-DH-PARAMETERS');
  const groups: DhGroup[] = [];
  while (!list.done) {
    const group = readGroup(list.sequence());
    if (group !== undefined) groups.push(group);
  }
  return groups;
}

function readGroup(algorithm: DerReader): DhGroup | undefined {
  if (algorithm.oid() !== pkinitOids.dhPublicNumber) return undefined;
  const prime = algorithm.sequence().unsignedInteger();
  return dhGroups.find((group) => Buffer.compare(primeOf(group), prime) === 0);
}

/** AlgorithmIdentifier with DomainParameters { p, g, q }. */
function algorithmIdentifier(group: DhGroup): Uint8Array {
  const prime = primeOf(group);
  // A safe prime: q is (p - 1) / 2, and 2 generates the subgroup of that order (RFC 3526 has p = 7 modulo 8).
  const order = Buffer.from((toBigInt(prime) >> 1n).toString(16).padStart(prime.length * 2, '0'), 'hex');
  return sequence(
    oid(pkinitOids.dhPublicNumber),
    sequence(unsignedInteger(prime), unsignedInteger(Uint8Array.of(2)), unsignedInteger(order)),
  );
}

function primeOf(group: DhGroup): Buffer {
  const known = primes.get(group);
  if (known !== undefined) return known;
  const prime = getDiffieHellman(`modp${group}`).getPrime();
  primes.set(group, prime);
  return prime;
}

const primes = new Map<DhGroup, Buffer>();

function toBigInt(octets: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(octets).toString('hex') || '0'}`);
}

function weakPublicValue(group: DhGroup): CountersignError {
  return new CountersignError(
    'KDC_REPLY_MISMATCH',
    `the KDC's Diffie-Hellman value is none from 2 to p - 2 of group ${group}`,
    'Have the KDC repaired: a key agreed upon with such a value is known to everyone.',
  );
}
