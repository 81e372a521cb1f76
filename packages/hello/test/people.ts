import { generateKeyPairSync } from 'node:crypto';
import type { NewDirectoryUser } from '@countersign/hello';

export const alice: NewDirectoryUser = {
  upn: 'alice@corp.test',
  sid: 'S-1-5-21-1004336348-1177238915-682003330-1104',
  distinguishedName: 'CN=Alice Example,OU=Users,DC=corp,DC=test',
  account: String.raw`CORP\alice`,
  groups: ['S-1-5-21-1004336348-1177238915-682003330-513'],
};

/** A user who shares nothing with one of another number. */
export function person(number: number): NewDirectoryUser {
  return {
    upn: `user${number}@corp.test`,
    sid: `S-1-5-21-1-2-3-${number}`,
    distinguishedName: `CN=User ${number},OU=Users,DC=corp,DC=test`,
    account: String.raw`CORP\user${number}`,
  };
}

/** SubjectPublicKeyInfo of a new P-256 key, DER. */
export function newPublicKey(): Uint8Array {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }));
}
