import { CountersignError } from '@countersign/core';
import type * as Pkcs11 from '@countersign/provider-pkcs11';

/**
 * The PKCS#11 provider, loaded when a token is named. It is an optional dependency, because what it stands on must be
 * compiled, and not every machine can.
 * @throws CountersignError `PROVIDER_NOT_AVAILABLE`
 */
export async function loadPkcs11(): Promise<typeof Pkcs11> {
  try {
    return await import('@countersign/provider-pkcs11');
  } catch (cause) {
    throw notInstalled('@countersign/provider-pkcs11', cause);
  }
}

function notInstalled(name: string, cause: unknown): CountersignError {
  return new CountersignError(
    'PROVIDER_NOT_AVAILABLE',
    `the package ${name} is not installed`,
    `Install it: npm install ${name}`,
    { cause },
  );
}
