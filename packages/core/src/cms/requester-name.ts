import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import { encodeNameValuePair, parseNameValuePairs, type NameValuePair } from './name-value-pair.ts';
import type { SignedAttribute } from './create-signer-info.ts';
import type { SignerInfo } from './signer-info.ts';

/** MS-WCCE 2.2.2.7.10: names the user that a request on behalf of someone is for, as `DOMAIN\account`. */
export const requesterNameKey = 'requestername';

export function requesterNameAttribute(requesterName: string): SignedAttribute {
  return {
    type: oids.enrollmentNameValuePair,
    value: encodeNameValuePair({ name: requesterNameKey, value: requesterName }),
  };
}

/** The requesters that a signer's attributes name, each time they do. */
export function signedRequesterNames({ signedAttributes }: SignerInfo): string[] {
  const values = signedAttributes.get(oids.enrollmentNameValuePair) ?? [];
  return requesterNamesIn(values.flatMap(parseNameValuePairs));
}

/** The requesters among these pairs. Names of pairs are compared without regard to case. */
export function requesterNamesIn(pairs: readonly NameValuePair[]): string[] {
  return pairs.filter(({ name }) => name.toLowerCase() === requesterNameKey).map(({ value }) => value);
}

/** @throws CountersignError `REQUESTER_MISMATCH` unless exactly one requester is named in this place */
export function onlyRequesterName(names: readonly string[]): string {
  const [name, ...others] = names;
  if (name !== undefined && others.length === 0) return name;
  throw new CountersignError(
    'REQUESTER_MISMATCH',
    `the countersignature names ${name === undefined ? 'no requester' : 'several requesters'}; expected one`,
    'Countersign with exactly one requestername.',
    { adcs: 'CERTSRV_E_BAD_REQUESTSUBJECT' },
  );
}
