import { certificateFile, nssDatabase, type CertificatePlace } from '@countersign/hello/store';
import type { HelloConfig } from './hello-config.ts';

/** Where the settings want the certificate, besides beside its key. */
export function userPlaces({ upn, store }: HelloConfig): readonly CertificatePlace[] {
  const { file, nss } = store;
  return [
    ...(file === undefined ? [] : [certificateFile(file)]),
    ...(nss === undefined ? [] : [nssDatabase({ nickname: upn, ...nss })]),
  ];
}
