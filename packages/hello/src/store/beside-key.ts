import { CountersignError, isCertificateStore, type KeyCustody } from '@countersign/core';
import type { CertificatePlace } from './certificate-place.ts';

/**
 * The place beside the key itself: on its token, in its store. Putting a certificate there activates the key.
 * @param ref of the key, unlocked where the provider wants a PIN to write
 */
export function besideKey(custody: KeyCustody, ref: string): CertificatePlace {
  return {
    name: `beside the key ${ref}`,
    put: async (certificate) => custody.installCertificate(ref, certificate),
    remove: async (certificate) => {
      const { provider } = custody;
      if (!isCertificateStore(provider)) return;
      try {
        const found = await provider.getCertificate(ref);
        if (found !== undefined && Buffer.compare(found, certificate) === 0)
          await provider.removeCertificate(ref);
      } catch (error) {
        // Who destroys a key destroys the certificate beside it.
        if (!(error instanceof CountersignError) || error.code !== 'KEY_NOT_FOUND') throw error;
      }
    },
  };
}
