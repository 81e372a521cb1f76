import { PublicKey, type CertificationAuthority, type RevocationReason } from '@countersign/core';
import type { RevocationSubject } from './reset-stations.ts';

/**
 * Revokes all certificates of a key that still hold, one that was issued and never delivered among them: for a reset
 * that has the CA in its own process.
 * @param reason `cessationOfOperation` if absent: the key is gone, not in wrong hands
 */
export function revokeAt(
  ca: Pick<CertificationAuthority, 'currentCertificate' | 'revoke'>,
  reason: RevocationReason = 'cessationOfOperation',
): (subject: Pick<RevocationSubject, 'publicKey'>) => Promise<void> {
  return async ({ publicKey }) => {
    if (publicKey === undefined) return;
    const parsed = PublicKey.parse(publicKey);
    for (;;) {
      const current = await ca.currentCertificate(parsed);
      if (current === undefined) return;
      await ca.revoke(current.serialNumber, reason);
    }
  };
}
