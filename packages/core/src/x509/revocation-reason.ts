/** CRLReason (RFC 5280 5.3.1) with its codes. `removeFromCRL` belongs to delta CRLs and is no reason to revoke. */
export const revocationReasonCodes = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;

export type RevocationReason = keyof typeof revocationReasonCodes;

export function isRevocationReason(text: string): text is RevocationReason {
  return Object.hasOwn(revocationReasonCodes, text);
}
