/** TPM_ALG_ID of the TCG algorithm registry. */
export const algorithmIds = {
  rsa: 0x0001,
  aes: 0x0006,
  null: 0x0010,
  rsassa: 0x0014,
  rsapss: 0x0016,
  oaep: 0x0017,
  ecdsa: 0x0018,
  ecdh: 0x0019,
  ecc: 0x0023,
  cfb: 0x0043,
} as const;

export type HashAlgorithm = 'sha256' | 'sha384' | 'sha512';

/** The names are those of `node:crypto`. */
export const hashAlgorithms: Readonly<
  Record<HashAlgorithm, { readonly id: number; readonly bytes: number }>
> = {
  sha256: { id: 0x000b, bytes: 32 },
  sha384: { id: 0x000c, bytes: 48 },
  sha512: { id: 0x000d, bytes: 64 },
};

export type TpmCurve = 'p256' | 'p384' | 'p521';

/** TPM_ECC_CURVE, and the name that OpenSSL has for it. */
export const curves: Readonly<
  Record<TpmCurve, { readonly id: number; readonly opensslName: string; readonly bytes: number }>
> = {
  p256: { id: 0x0003, opensslName: 'prime256v1', bytes: 32 },
  p384: { id: 0x0004, opensslName: 'secp384r1', bytes: 48 },
  p521: { id: 0x0005, opensslName: 'secp521r1', bytes: 66 },
};

export function findHashAlgorithm(id: number): HashAlgorithm | undefined {
  return hashNames.find((name) => hashAlgorithms[name].id === id);
}

export function findCurve(id: number): TpmCurve | undefined {
  return curveNames.find((name) => curves[name].id === id);
}

const hashNames = ['sha256', 'sha384', 'sha512'] as const;
const curveNames = ['p256', 'p384', 'p521'] as const;
