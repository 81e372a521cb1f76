import { CountersignError } from '../errors.ts';
import type { Key } from './key-provider.ts';
import type { SignatureScheme } from './signature-scheme.ts';

/** The scheme that a key names first. @throws CountersignError `SCHEME_NOT_SUPPORTED` if it cannot sign at all */
export function preferredScheme(key: Key): SignatureScheme {
  const [scheme] = key.schemes;
  if (scheme !== undefined) return scheme;
  throw new CountersignError(
    'SCHEME_NOT_SUPPORTED',
    `the key ${key.ref} offers no signature scheme`,
    'Use a key that may sign.',
  );
}
