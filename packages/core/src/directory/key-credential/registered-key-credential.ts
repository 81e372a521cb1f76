import { CountersignError } from '../../errors.ts';
import { PublicKey } from '../../keys/public-key.ts';
import type { RegisteredKeyCredential } from '../directory.ts';
import { encodeBcryptKeyBlob } from './bcrypt-key-blob.ts';
import { createKeyCredential, type KeyCredentialFields } from './create-key-credential.ts';
import type { KeyCredential } from './key-credential.ts';

/**
 * What RA and CA know of a registered key, out of a value of msDS-KeyCredentialLink. Only Windows Hello keys (NGC) make
 * certificate requests; a FIDO or a transport key must not be taken for one.
 * @param registeredAt for a blob without a creation time, which MS-ADTS leaves open
 * @throws CountersignError `KEY_NOT_ACCEPTABLE` for a key of another usage; `KEY_CREDENTIAL_MALFORMED` without any time
 */
export function toRegisteredKeyCredential(
  { usage, keyMaterial, createdAt }: KeyCredential,
  registeredAt?: Date,
): RegisteredKeyCredential {
  if (usage !== 'ngc' || keyMaterial.format === 'opaque') {
    throw new CountersignError(
      'KEY_NOT_ACCEPTABLE',
      `the key credential is of usage ${usage}; expected ngc`,
      'Register a Windows Hello key for the user.',
    );
  }
  const time = createdAt ?? registeredAt;
  if (time === undefined) {
    throw new CountersignError(
      'KEY_CREDENTIAL_MALFORMED',
      'the key credential does not say when it was made',
      'Give the time of registration along with it.',
    );
  }
  const { keyId, subjectPublicKeyInfo } = keyMaterial.publicKey;
  return { keyId, publicKey: subjectPublicKeyInfo, registeredAt: time };
}

/**
 * The key credential of a user's Windows Hello key, as a registration service writes it (MS-KPP 3.1.5.1.1.3): RSA and NIST
 * curves as BCRYPT blobs, Ed25519 as SubjectPublicKeyInfo; both times are that of registration.
 * @throws CountersignError `VALUE_OUT_OF_RANGE`, and what `PublicKey.parse` throws
 */
export function fromRegisteredKeyCredential(
  registered: RegisteredKeyCredential,
  fields: Pick<KeyCredentialFields, 'deviceId' | 'customKeyInformation'> = {},
): KeyCredential {
  const publicKey = PublicKey.parse(registered.publicKey);
  const keyMaterial =
    publicKey.algorithm === 'ed25519' ? publicKey.subjectPublicKeyInfo : encodeBcryptKeyBlob(publicKey);
  const { registeredAt } = registered;
  return createKeyCredential({
    keyMaterial,
    usage: 'ngc',
    ...fields,
    lastLogonAt: registeredAt,
    createdAt: registeredAt,
  });
}
