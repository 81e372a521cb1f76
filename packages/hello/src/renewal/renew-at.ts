import { Certificate, type CertificationAuthority, type Directory } from '@countersign/core';
import type { RenewalStations } from './renewal-stations.ts';

/**
 * Stations for a CA in the same process. A request whose answer was lost is answered with what was issued for it.
 */
export function renewAt(
  ca: Pick<CertificationAuthority, 'currentCertificate' | 'issue'>,
  directory: Pick<Directory, 'findByUpn'>,
): Pick<RenewalStations, 'isRegistered' | 'submit'> {
  return {
    isRegistered: async (upn, keyId) => {
      const user = await directory.findByUpn(upn);
      return user?.keyCredentials.some((credential) => credential.keyId === keyId) ?? false;
    },
    submit: async (request, replaces) => {
      const old = Certificate.parse(replaces);
      const current = await ca.currentCertificate(old.publicKey);
      if (current !== undefined && current.notAfter > old.notAfter) return current.der;
      return (await ca.issue(request)).der;
    },
  };
}
