import type { Lint } from './lint-certificate.ts';

/** Rules about the basic fields of a certificate. */
export const fieldLints: readonly Lint[] = [
  {
    clause: 'RFC 5280 4.1.2.2',
    defect: ({ serialNumberOctets: octets }) =>
      octets.length > 20 || (octets[0] ?? 0x80) >= 0x80 || octets.every((octet) => octet === 0)
        ? 'has a serial number that is not positive, or longer than 20 octets'
        : undefined,
  },
  {
    clause: 'CA/Browser Forum BR 7.1, with a margin',
    // 17 octets hold 136 bits; the two bits that newSerialNumber fixes are in the 18th.
    defect: ({ serialNumberOctets }) =>
      serialNumberOctets.length < 18 ? 'has a serial number with less than 136 random bits' : undefined,
  },
  {
    clause: 'RFC 5280 4.1.2.4',
    defect: ({ issuer }, context) =>
      Buffer.compare(issuer.der, context.issuer.subject.der) === 0
        ? undefined
        : `names ${issuer.toString()} as its issuer, which is not the CA's subject to the octet`,
  },
  {
    clause: 'RFC 5280 4.1.2.5',
    defect: ({ notBefore, notAfter }, { issuer }) =>
      notBefore < issuer.notBefore || notAfter > issuer.notAfter || notAfter <= notBefore
        ? `is valid from ${notBefore.toISOString()} to ${notAfter.toISOString()}, which does not lie within the CA's own validity`
        : undefined,
  },
  {
    clause: 'RFC 5280 4.1.2.6',
    defect: ({ subject }, { contents }) =>
      Buffer.compare(subject.der, contents.subject.der) === 0
        ? undefined
        : `has the subject ${subject.toString()}; the profile gives ${contents.subject.toString()}`,
  },
  {
    clause: 'RFC 5280 4.1.2.6',
    defect: ({ subject }) => (subject.isEmpty ? 'has no subject' : undefined),
  },
  {
    clause: 'RFC 5280 4.1.2.7',
    defect: ({ publicKey }, context) =>
      publicKey.equals(context.publicKey) ? undefined : 'certifies another key than was asked for',
  },
  {
    clause: 'SP 800-57 part 1 rev. 5, 5.2',
    defect: ({ publicKey }, { issuer }) =>
      publicKey.equals(issuer.publicKey) ? "certifies the CA's own key for another use" : undefined,
  },
];
