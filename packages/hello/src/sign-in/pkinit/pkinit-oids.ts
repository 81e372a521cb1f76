/** RFC 4556 3.1.2, RFC 8636 5, RFC 3279 2.3.3. */
export const pkinitOids = {
  authData: '1.3.6.1.5.2.3.1',
  dhKeyData: '1.3.6.1.5.2.3.2',
  kdfSha256: '1.3.6.1.5.2.3.6.2',
  kdfSha512: '1.3.6.1.5.2.3.6.3',
  san: '1.3.6.1.5.2.2',
  keyPurposeKdc: '1.3.6.1.5.2.3.5',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  dhPublicNumber: '1.2.840.10046.2.1',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const;
