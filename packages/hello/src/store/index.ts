export { besideKey } from './beside-key.ts';
export { certificateFile, type CertificateFileOptions } from './certificate-file.ts';
export { putInPlaces, removeFromPlaces, type CertificatePlace } from './certificate-place.ts';
export { nssDatabase, type NssDatabase, type NssDatabaseOptions } from './nss-database.ts';
