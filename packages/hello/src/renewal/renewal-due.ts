import { CountersignError, type Certificate } from '@countersign/core';

export interface RenewalPolicy {
  /**
   * The part of a certificate's lifetime after which it is renewed, above 0 and below 1; 0.8 if absent. What is left is
   * the renewal period of a certificate template.
   */
  readonly dueAfterFraction?: number;
}

const defaultFraction = 0.8;

/**
 * When a certificate is to be renewed from.
 * @throws CountersignError `POLICY_INVALID` for a fraction out of its range
 */
export function renewalDueAt(
  { notBefore, notAfter }: Pick<Certificate, 'notBefore' | 'notAfter'>,
  { dueAfterFraction = defaultFraction }: RenewalPolicy = {},
): Date {
  if (!(dueAfterFraction > 0 && dueAfterFraction < 1)) {
    throw new CountersignError(
      'POLICY_INVALID',
      `certificates are to be renewed after ${dueAfterFraction} of their lifetime; expected a part of it, above 0 and below 1`,
      'Correct the policy.',
    );
  }
  const lifetimeMs = notAfter.getTime() - notBefore.getTime();
  return new Date(notBefore.getTime() + Math.floor(lifetimeMs * dueAfterFraction));
}
