import { createCertificationRequest } from '@countersign/core';
import { generateExportableKey, type KdcIdentity } from '@countersign/hello/trial-domain';
import { withCa } from '../../authorities/ca-state.ts';

/** Makes a key for a KDC, and has the CA of a demonstration certify it (profile `kdc`). RSA, which every KDC can use. */
export async function issueKdcIdentity(
  caDirectory: string,
  realm: string,
  hostName: string,
): Promise<KdcIdentity> {
  const key = await generateExportableKey('rsa2048');
  const request = await createCertificationRequest(key);
  const certificate = await withCa(caDirectory, { to: 'sign', pin: {} }, (ca) =>
    ca.issueForOperator(request, { profile: 'kdc', realm, hostName }),
  );
  return { certificate, key };
}
