import { createHash } from 'node:crypto';
import { concat, octetString, oid, sequence } from '../path-validation/der.ts';

/**
 * Signatures that lax verifiers of RSASSA-PKCS1-v1_5 take and that an attacker without the key can find where the
 * exponent is small. Made with the private key, they show what verification looks at: all of the encoded message.
 */

const modulusBytes = 256;
export const noParameters = Uint8Array.of(5, 0);
const digestAlgorithm = (...parameters: Uint8Array[]): Uint8Array =>
  sequence(oid('2.16.840.1.101.3.4.2.1'), ...parameters);
const digest = (message: Uint8Array): Uint8Array => createHash('sha256').update(message).digest();
/** DigestInfo (RFC 8017 9.2) of SHA-256. */
export const digestInfo = (message: Uint8Array): Uint8Array =>
  sequence(digestAlgorithm(noParameters), octetString(digest(message)));

/** EM = 00 01 PS 00 T, filled up with `garbage` behind T to the length of the modulus. */
export function encoded(
  t: Uint8Array,
  paddingBytes = modulusBytes - 3 - t.length,
  garbage = 0xaa,
): Uint8Array {
  const em = new Uint8Array(modulusBytes).fill(garbage);
  em.set(concat(Uint8Array.of(0, 1), new Uint8Array(paddingBytes).fill(0xff), Uint8Array.of(0), t));
  return em;
}

/** What stands in place of the right encoded message, for a modulus of 2048 bits. */
export const forgeries: [what: string, em: (message: Uint8Array) => Uint8Array][] = [
  ['short padding and octets behind the hash', (message) => encoded(digestInfo(message), 8)],
  ['no padding and octets behind the hash', (message) => encoded(digestInfo(message), 0)],
  ['one octet behind the hash', (message) => encoded(digestInfo(message), modulusBytes - 4 - 51)],
  [
    'an extra field in DigestInfo',
    (message) =>
      encoded(
        sequence(
          digestAlgorithm(noParameters),
          octetString(digest(message)),
          octetString(new Uint8Array(60)),
        ),
      ),
  ],
  [
    'octets in the parameters of the hash algorithm',
    (message) =>
      encoded(sequence(digestAlgorithm(octetString(new Uint8Array(100))), octetString(digest(message)))),
  ],
  [
    'a field behind the parameters of the hash algorithm',
    (message) =>
      encoded(
        sequence(
          digestAlgorithm(noParameters, octetString(new Uint8Array(100))),
          octetString(digest(message)),
        ),
      ),
  ],
  [
    'a length in BER',
    (message) => {
      const t = digestInfo(message);
      return encoded(concat(Uint8Array.of(0x30, 0x81), t.subarray(1)));
    },
  ],
  [
    'another name for the hash',
    (message) =>
      encoded(sequence(sequence(oid('2.16.840.1.101.3.4.2.4'), noParameters), octetString(digest(message)))),
  ],
  ['the bare hash', (message) => encoded(digest(message))],
  [
    'block type 2',
    (message) => {
      const em = encoded(digestInfo(message));
      em[1] = 2;
      return em;
    },
  ],
  [
    'padding that is not all ones',
    (message) => {
      const em = encoded(digestInfo(message));
      em[20] = 0xfe;
      return em;
    },
  ],
];
