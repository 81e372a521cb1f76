import { CountersignError } from '@countersign/core';
import type { PinHistory } from './pin-history.ts';
import type { PinPolicy } from './pin-policy.ts';

/** How the policy Expiration stands with the present PIN. */
export type PinExpiration =
  | { readonly kind: 'never' }
  | { readonly kind: 'valid'; readonly until: Date }
  /** It has to be changed before the key may be used. */
  | { readonly kind: 'expired'; readonly since: Date }
  /** PINs expire, and nothing tells how old this one is: it has to be changed, which starts its days. */
  | { readonly kind: 'unknown' };

/** @param now at `until` itself the PIN has expired */
export async function pinExpiration(
  history: PinHistory,
  policy: Pick<PinPolicy, 'expirationDays'>,
  now: Date,
): Promise<PinExpiration> {
  if (policy.expirationDays === 0) return { kind: 'never' };
  const at = await history.expiresAt(policy);
  if (at === undefined) return { kind: 'unknown' };
  return now < at ? { kind: 'valid', until: at } : { kind: 'expired', since: at };
}

/** @throws CountersignError `PIN_EXPIRED` if the PIN has to be changed before anything else is done with it */
export async function assertPinNotExpired(
  history: PinHistory,
  policy: Pick<PinPolicy, 'expirationDays'>,
  now: Date,
): Promise<void> {
  const expiration = await pinExpiration(history, policy, now);
  if (expiration.kind === 'never' || expiration.kind === 'valid') return;
  const found =
    expiration.kind === 'expired'
      ? `the PIN expired at ${expiration.since.toISOString()}`
      : 'nothing tells since when the PIN is in use';
  throw new CountersignError(
    'PIN_EXPIRED',
    `${found}, and the policy lets PINs be used for ${policy.expirationDays} days`,
    'Change the PIN; the key and its certificate stay as they are.',
  );
}
