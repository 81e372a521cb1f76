import { oids } from '../../object-identifiers.ts';
import type { Attribute } from '../certification-request-info.ts';
import { readRequestAttributes } from './read-request-attributes.ts';

/**
 * Whether a certification request bears this challenge password (RFC 2985 5.4.1), compared octet by octet as UTF-8 in
 * constant time. A request without one matches nothing.
 * @param attributes those of a `CertificationRequest`
 * @throws CountersignError `DER_MALFORMED`, `ATTRIBUTE_MALFORMED` for a challenge password that is none, or two of them
 */
export function matchesChallengePassword(attributes: readonly Attribute[], password: string): boolean {
  const bearers = attributes.filter(({ type }) => type === oids.challengePassword);
  return readRequestAttributes(bearers).some(
    (attribute) => attribute.kind === 'challengePassword' && attribute.password.matches(password),
  );
}
