import { DerReader } from '../asn1/der-reader.ts';
import { element } from '../asn1/der-writer.ts';
import { tag } from '../asn1/tag.ts';

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

/** A reason as an entry of a CRL has it. */
export type CrlReason = RevocationReason | 'removeFromCRL';

export const removeFromCrlCode = 8;

export function isRevocationReason(text: string): text is RevocationReason {
  return Object.hasOwn(revocationReasonCodes, text);
}

export function encodeCrlReason(reason: CrlReason): Uint8Array {
  const code = reason === 'removeFromCRL' ? removeFromCrlCode : revocationReasonCodes[reason];
  return element(tag.enumerated, Uint8Array.of(code));
}

/** @throws CountersignError `DER_MALFORMED` */
export function parseCrlReason(der: Uint8Array): CrlReason {
  const reader = DerReader.document(der, 'CRL reason extension');
  const code = reader.smallInteger(tag.enumerated);
  reader.end();
  if (code === removeFromCrlCode) return 'removeFromCRL';
  const found = Object.keys(revocationReasonCodes).find(
    (reason) => isRevocationReason(reason) && revocationReasonCodes[reason] === code,
  );
  if (found === undefined || !isRevocationReason(found))
    throw reader.malformed(`CRLReason ${code} does not exist`);
  return found;
}
