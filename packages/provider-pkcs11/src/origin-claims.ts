import type { KeyOriginClaims } from '@countersign/core';
import type { SessionObject, Token } from 'graphene-pk11';
import * as ck from './cryptoki.ts';
import { readBoolean, readNumber } from './object-attributes.ts';

/** What the token says of a private key's origin (PKCS #11 3.1, 4.9). */
export function readOriginClaims(privateKey: SessionObject, token: Token): KeyOriginClaims {
  const { major, minor } = token.firmwareVersion;
  return {
    local: readBoolean(privateKey, ck.CKA_LOCAL),
    alwaysSensitive: readBoolean(privateKey, ck.CKA_ALWAYS_SENSITIVE),
    neverExtractable: readBoolean(privateKey, ck.CKA_NEVER_EXTRACTABLE),
    generationMechanism: mechanismName(readNumber(privateKey, ck.CKA_KEY_GEN_MECHANISM)),
    manufacturer: token.manufacturerID,
    model: token.model,
    serialNumber: token.serialNumber,
    firmwareVersion: `${major}.${minor}`,
  };
}

/** CK_UNAVAILABLE_INFORMATION, the lower half of it. */
const unavailable = 0xffffffff;

function mechanismName(mechanism: number | undefined): string | undefined {
  switch (mechanism) {
    case undefined:
    case unavailable:
      return undefined;
    case ck.CKM_RSA_PKCS_KEY_PAIR_GEN:
      return 'CKM_RSA_PKCS_KEY_PAIR_GEN';
    case ck.CKM_EC_KEY_PAIR_GEN:
      return 'CKM_EC_KEY_PAIR_GEN';
    case ck.CKM_EC_EDWARDS_KEY_PAIR_GEN:
      return 'CKM_EC_EDWARDS_KEY_PAIR_GEN';
    default:
      return `0x${mechanism.toString(16)}`;
  }
}
