/** What a key can sign with. RSASSA-PSS uses MGF1 with the same hash and a salt as long as the hash. */
export const signatureSchemes = [
  'ecdsa-sha256',
  'ecdsa-sha384',
  'ecdsa-sha512',
  'rsa-pkcs1-sha256',
  'rsa-pkcs1-sha384',
  'rsa-pkcs1-sha512',
  'rsa-pss-sha256',
  'rsa-pss-sha384',
  'rsa-pss-sha512',
  'ed25519',
] as const;

export type SignatureScheme = (typeof signatureSchemes)[number];
