/** The key types that Countersign generates and certifies (SP 800-57 part 1, 112 bits of strength and up). */
export const keyAlgorithms = ['p256', 'p384', 'p521', 'rsa2048', 'rsa3072', 'rsa4096', 'ed25519'] as const;

export type KeyAlgorithm = (typeof keyAlgorithms)[number];

export function isKeyAlgorithm(text: string): text is KeyAlgorithm {
  return keyAlgorithms.some((algorithm) => algorithm === text);
}
