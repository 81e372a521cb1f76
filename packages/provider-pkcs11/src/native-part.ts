import { CountersignError } from '@countersign/core';
import type * as Graphene from 'graphene-pk11';
import type * as Pkcs11js from 'pkcs11js';

/** The two libraries that need a compiled binary. */
export interface NativePart {
  readonly graphene: typeof Graphene.default;
  readonly pkcs11js: typeof Pkcs11js;
}

/**
 * Loads the compiled part at first use, so that a program which never touches a token runs without it.
 * @throws CountersignError `PROVIDER_NOT_AVAILABLE` if it was not compiled
 */
export async function loadNativePart(): Promise<NativePart> {
  try {
    const [pkcs11js, graphene] = [await import('pkcs11js'), await import('graphene-pk11')];
    return { graphene: graphene.default, pkcs11js: pkcs11js.default };
  } catch (cause) {
    throw new CountersignError(
      'PROVIDER_NOT_AVAILABLE',
      `the native part of the PKCS#11 provider cannot be loaded: ${cause instanceof Error ? cause.message.split('\n', 1).join('') : 'unknown'}`,
      'Compile it with: npm rebuild pkcs11js (needs a C++ compiler; npm must be let run its install script: allowScripts).',
      { cause },
    );
  }
}
