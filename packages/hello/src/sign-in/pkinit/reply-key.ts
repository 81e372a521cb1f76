import { createHash } from 'node:crypto';
import { CountersignError } from '@countersign/core';
import { context, integer, octetString, oid, sequence } from '@countersign/core/asn1';
import { encryptionTypes, type EncryptionType } from '../encryption/encryption-type.ts';
import { encodePrincipal, type Principal } from '../kerberos/principal-name.ts';
import { pkinitOids } from './pkinit-oids.ts';

/** The key derivations of RFC 8636 that are offered, best first. */
export const keyDerivations: readonly string[] = [pkinitOids.kdfSha512, pkinitOids.kdfSha256];

/** What goes into a reply key beside the shared secret (RFC 8636 4). */
export interface ReplyKeyContext {
  readonly client: Principal;
  readonly server: Principal;
  /** AS-REQ, DER: the one that was answered. */
  readonly asRequest: Uint8Array;
  /** The value of PA-PK-AS-REP, DER. */
  readonly paPkAsRep: Uint8Array;
}

/**
 * Derives the key of the reply from the shared secret, with the derivation that the KDC names.
 * @param keyDerivation OID, or undefined for octetstring2key
 * @throws CountersignError `ALGORITHM_NOT_SUPPORTED` for a derivation that was not offered
 */
export function deriveReplyKey(
  keyDerivation: string | undefined,
  type: EncryptionType,
  sharedSecret: Uint8Array,
  inputs: ReplyKeyContext,
): Uint8Array {
  switch (keyDerivation) {
    case undefined:
      return octetStringToKey(type, sharedSecret);
    case pkinitOids.kdfSha256:
      return concatenationKdf('sha256', keyDerivation, type, sharedSecret, inputs);
    case pkinitOids.kdfSha512:
      return concatenationKdf('sha512', keyDerivation, type, sharedSecret, inputs);
    default:
      throw new CountersignError(
        'ALGORITHM_NOT_SUPPORTED',
        `the KDC derives the key with ${keyDerivation}, which it was not offered`,
        'Update the KDC: RFC 8636 has it choose among what the client supports.',
      );
  }
}

/** octetstring2key (RFC 4556 3.2.3.1): SHA-1 over a counter from 0 and the octets. Random-to-key is the identity for AES. */
export function octetStringToKey(type: EncryptionType, octets: Uint8Array): Uint8Array {
  return expand('sha1', 0, uint8, octets, new Uint8Array(), encryptionTypes[type].keyBytes);
}

/** RFC 8636 4, after SP 800-56A 5.8.1: the hash over a counter from 1, the secret and what else is to be bound. */
function concatenationKdf(
  hash: 'sha256' | 'sha512',
  algorithm: string,
  type: EncryptionType,
  sharedSecret: Uint8Array,
  inputs: ReplyKeyContext,
): Uint8Array {
  const { number, keyBytes } = encryptionTypes[type];
  const suppPubInfo = sequence(
    context(0, integer(number)),
    context(1, octetString(inputs.asRequest)),
    context(2, octetString(inputs.paPkAsRep)),
  );
  const otherInfo = sequence(
    sequence(oid(algorithm)),
    context(0, octetString(encodePrincipal(inputs.client))),
    context(1, octetString(encodePrincipal(inputs.server))),
    context(2, octetString(suppPubInfo)),
  );
  return expand(hash, 1, uint32, sharedSecret, otherInfo, keyBytes);
}

/** Hashes of counter, secret and suffix, one after the other, as many octets as are wanted. */
function expand(
  hash: 'sha1' | 'sha256' | 'sha512',
  firstCounter: number,
  encodeCounter: (counter: number) => Uint8Array,
  secret: Uint8Array,
  suffix: Uint8Array,
  length: number,
): Uint8Array {
  const key = new Uint8Array(length);
  for (let at = 0, counter = firstCounter; at < length; counter++) {
    const block = createHash(hash).update(encodeCounter(counter)).update(secret).update(suffix).digest();
    key.set(block.subarray(0, length - at), at);
    at += block.length;
    block.fill(0);
  }
  return key;
}

function uint8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}
