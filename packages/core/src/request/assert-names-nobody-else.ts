import { CountersignError } from '../errors.ts';
import type { CertificationRequest } from './certification-request.ts';

/**
 * The subject comes from the directory, whatever a request asks for; one that asks to be somebody else is refused all the
 * same, by whoever sees it.
 * @param requesterUpn of the user that the certificate is for
 * @throws CountersignError `REQUESTER_MISMATCH`, `DER_MALFORMED` if the names that are asked for cannot be read
 */
export function assertNamesNobodyElse(request: CertificationRequest, requesterUpn: string): void {
  const other = request.userPrincipalNames.find((upn) => upn.toLowerCase() !== requesterUpn.toLowerCase());
  if (other === undefined) return;
  throw new CountersignError(
    'REQUESTER_MISMATCH',
    `the request asks for the user ${other}; it was handed in for ${requesterUpn}`,
    'Hand the request in for the user it was made for, or make it anew with the right --upn.',
    { adcs: 'CERTSRV_E_BAD_REQUESTSUBJECT' },
  );
}
