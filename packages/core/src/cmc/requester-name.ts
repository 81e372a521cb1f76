import { parseNameValuePairs, type NameValuePair } from '../cms/name-value-pair.ts';
import { onlyRequesterName, requesterNamesIn, signedRequesterNames } from '../cms/requester-name.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import type { Attribute } from '../request/certification-request-info.ts';
import type { CmcSigner } from './verify-signer.ts';

/**
 * The user that a CMC request is for. MS-WCCE names two places for it, the RegInfo control (3.1.1.4.3.3.3) and the
 * attribute szOID_ENROLLMENT_NAME_VALUE_PAIR (3.2.2.6.2.1.2.1.2), which writers put among a signer's attributes or the
 * added ones. One place is enough, if it is under the agent's signature; all that speak must say the same.
 * @throws CountersignError `REQUESTER_MISMATCH`
 */
export function cmcRequesterName(
  registrationInfo: readonly NameValuePair[],
  addedAttributes: readonly Attribute[],
  signers: readonly CmcSigner[],
): string {
  const added = addedAttributes
    .filter(({ type }) => type === oids.enrollmentNameValuePair)
    .flatMap(({ values }) => values.flatMap(parseNameValuePairs));
  const namesBy = (isAgent: boolean): string[][] =>
    signers
      .filter(({ kind }) => (kind === 'certificate') === isAgent)
      .map(({ signerInfo }) => signedRequesterNames(signerInfo));
  const [first, ...others] = [
    requesterNamesIn(registrationInfo),
    requesterNamesIn(added),
    ...namesBy(true),
  ].filter(({ length }) => length > 0);
  const requesterName = onlyRequesterName(first ?? []);
  for (const names of [...others, ...namesBy(false).filter(({ length }) => length > 0)]) {
    if (onlyRequesterName(names) !== requesterName) throw contradiction(requesterName, names);
  }
  return requesterName;
}

function contradiction(requesterName: string, others: readonly string[]): CountersignError {
  return new CountersignError(
    'REQUESTER_MISMATCH',
    `the CMC request names ${requesterName} as requester in one place and ${others.join(', ')} in another`,
    'Countersign with the same requestername in all places.',
    { adcs: 'CERTSRV_E_BAD_REQUESTSUBJECT' },
  );
}
