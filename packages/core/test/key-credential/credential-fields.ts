import type { KeyCredential, KeyCredentialFields } from '@countersign/core';

/** The fields that a key credential is written from again. */
export function fieldsOf(credential: KeyCredential): KeyCredentialFields {
  const { keyMaterial, usage, source, keyId, deviceId, customKeyInformation, lastLogonAt, createdAt } =
    credential;
  return {
    keyMaterial: keyMaterial.octets,
    usage,
    keyId,
    ...(source === undefined ? {} : { source }),
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(customKeyInformation === undefined ? {} : { customKeyInformation }),
    ...(lastLogonAt === undefined ? {} : { lastLogonAt }),
    ...(createdAt === undefined ? {} : { createdAt }),
  };
}
