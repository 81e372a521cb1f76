/** Identifier octets that X.509, PKCS#10, CMS and Kerberos use (X.690 8.1.2), all of the one-octet form. */
export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  generalString: 0x1b,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[n]` around primitive contents (an IMPLICIT tag on a primitive type). */
export function contextPrimitive(n: number): number {
  return 0x80 | n;
}

/** `[n]` around other elements (EXPLICIT, or IMPLICIT on a constructed type). */
export function contextConstructed(n: number): number {
  return 0xa0 | n;
}
