import { der, descend, nullValue, octets, oid, sequence, set, utf8String } from '../enrollment/der.ts';

/** Elements that several stations put in the wrong place, or write in the wrong way. */

export const extensionRequest = '1.2.840.113549.1.9.14';
export const microsoftExtensionRequest = '1.3.6.1.4.1.311.2.1.14';
export const rsassaPss = '1.2.840.113549.1.1.10';
export const sha256 = '2.16.840.1.101.3.4.2.1';

export function extensionOf(type: string, value: Uint8Array): Uint8Array {
  return sequence(oid(type), octets(value));
}

/** Extended key usage: client authentication, which the profile of sign-in gives. */
export const purpose = extensionOf('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.2')));
export const purposes = sequence(purpose);

/** A RelativeDistinguishedName. */
export function commonName(text: string | Uint8Array): Uint8Array {
  return set(sequence(oid('2.5.4.3'), typeof text === 'string' ? utf8String(text) : der(0x0c, text)));
}

/** r and s as they are in JOSE and WebCrypto, 32 octets each. */
export function sideBySide(signature: Uint8Array): Uint8Array {
  const half = (index: number): Buffer => {
    const number = Buffer.from(descend(signature, [0, index]).contents);
    return Buffer.concat([new Uint8Array(32), number]).subarray(-32);
  };
  return Uint8Array.from(Buffer.concat([half(0), half(1)]));
}

/** The element with its length in one octet more than it needs (X.690 10.1). */
export function withLongLength(element: Uint8Array): Uint8Array {
  const { identifier, contents } = descend(element, [0]);
  const { length } = contents;
  return Uint8Array.from([identifier, 0x84, 0, 0, length >> 8, length & 0xff, ...contents]);
}

/** The element with an indefinite length (X.690 8.1.3.6). */
export function withIndefiniteLength(element: Uint8Array): Uint8Array {
  const { identifier, contents } = descend(element, [0]);
  return Uint8Array.from([identifier, 0x80, ...contents, 0, 0]);
}

/** Sequences within sequences, so many, with right lengths. */
export function nested(levels: number): Uint8Array {
  // From the inside out; each turn copies what is there, which 10,000 levels can afford.
  let element = nullValue();
  for (let level = 0; level < levels; level++) element = sequence(element);
  return element;
}

export function nestedIndefinitely(levels: number): Uint8Array {
  const open = Array.from({ length: levels }, () => [0x30, 0x80]).flat();
  return Uint8Array.from([...open, 5, 0, ...new Uint8Array(2 * levels)]);
}
