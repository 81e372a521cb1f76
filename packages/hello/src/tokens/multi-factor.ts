import { CountersignError } from '@countersign/core';
import type { MessageObject } from '../https/index.ts';
import { clockToleranceMs } from './verify-jws.ts';

/** The values of `amr` that say so (MS-KPP 3.1.5.1.1.3); `ngcmfa`: for the very purpose of registering a key. */
const multiFactorMethods: ReadonlySet<string> = new Set([
  'ngcmfa',
  'mfa',
  'http://schemas.microsoft.com/claims/multipleauthn',
]);

/** Windows asks for a second factor anew before it provisions, unless there was one so recently. */
export const multiFactorMaxAgeMs = 10 * 60_000;

/** @throws CountersignError `MFA_REQUIRED` if the token does not say that the user gave a second factor */
export function assertMultiFactor(claims: MessageObject): void {
  const methods = claims.strings('amr');
  if (methods.some((method) => multiFactorMethods.has(method))) return;
  throw multiFactorRequired(
    methods.length === 0
      ? 'the token does not say how'
      : `the token says amr ${methods.join(' ').slice(0, 100)}`,
  );
}

/**
 * Also that it was a moment ago, by `auth_time`; a token without, that says `ngcmfa`, was issued after a prompt.
 * @throws CountersignError `MFA_REQUIRED`
 */
export function assertFreshMultiFactor(claims: MessageObject, now: Date): void {
  assertMultiFactor(claims);
  const authenticatedAt =
    claims.optionalDate('auth_time') ??
    (claims.strings('amr').includes('ngcmfa') ? claims.date('iat') : undefined);
  if (authenticatedAt === undefined) throw multiFactorRequired('the token does not say when (auth_time)');
  const ageMs = now.getTime() - authenticatedAt.getTime();
  if (ageMs <= multiFactorMaxAgeMs && ageMs >= -clockToleranceMs) return;
  throw multiFactorRequired(
    `the last time was ${authenticatedAt.toISOString()}, more than ${multiFactorMaxAgeMs / 60_000} minutes from now`,
  );
}

function multiFactorRequired(found: string): CountersignError {
  return new CountersignError(
    'MFA_REQUIRED',
    `the user has not authenticated with a second factor as is needed here: ${found}`,
    'Have the user authenticate with a second factor, and try again at once with the new token.',
  );
}
