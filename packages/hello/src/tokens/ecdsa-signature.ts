import { CountersignError } from '@countersign/core';

/**
 * The form that JWS wants of an ECDSA signature: R and S, each as long as the field's elements (RFC 7518 3.4).
 * @param der ECDSA-Sig-Value (RFC 3279 2.2.3), as `Key.sign` returns it
 * @param coordinateBytes 32, 48 or 66
 */
export function jwsEcdsaSignature(der: Uint8Array, coordinateBytes: number): Uint8Array {
  const sequence = readElement(der, 0x30);
  const r = readElement(sequence.contents, 0x02);
  const s = readElement(r.rest, 0x02);
  if (sequence.rest.length > 0 || s.rest.length > 0) throw malformed();
  const joined = new Uint8Array(2 * coordinateBytes);
  for (const [index, { contents }] of [r, s].entries()) {
    const magnitude = contents[0] === 0 ? contents.subarray(1) : contents;
    if (magnitude.length === 0 || magnitude.length > coordinateBytes) throw malformed();
    joined.set(magnitude, (index + 1) * coordinateBytes - magnitude.length);
  }
  return joined;
}

function readElement(octets: Uint8Array, tag: number): { contents: Uint8Array; rest: Uint8Array } {
  const [found, first = 0x80, second = 0] = octets;
  // A signature with a key on P-521 has up to 139 octets, so one octet of length after 81 is the most.
  const isLong = first === 0x81;
  const start = isLong ? 3 : 2;
  const end = start + (isLong ? second : first);
  if (found !== tag || (first >= 0x80 && !isLong) || end > octets.length) throw malformed();
  return { contents: octets.subarray(start, end), rest: octets.subarray(end) };
}

function malformed(): CountersignError {
  return new CountersignError(
    'SIGNATURE_INVALID',
    'the key returned something that is not an ECDSA-Sig-Value in DER',
    'Check the provider of the key: it signs in a form that X.509 does not have.',
  );
}
