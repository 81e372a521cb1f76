import { CountersignError } from '../errors.ts';
import type { CrlOptions } from './crl-publisher.ts';
import { isPublicationUri } from './publication-uri.ts';

/**
 * Holds what CRLs will say of themselves against what certificates will say of CRLs, before a number is spent on one that
 * no relying party could use.
 * @param crlUris where certificates say that the CRL is
 * @throws CountersignError `ISSUER_NOT_ACCEPTABLE`
 */
export function assertCrlsPossible(crlUris: readonly string[], options: CrlOptions): void {
  const { crlScope, deltaCrlUris = [], crlValidityMs, deltaCrlValidityMs } = options;
  const badUri = [...deltaCrlUris, ...(crlScope?.uris ?? [])].find((uri) => !isPublicationUri(uri));
  if (badUri !== undefined) {
    throw notPossible(
      `the CRLs would point at ${JSON.stringify(badUri)}; expected an absolute http or ldap URI`,
    );
  }
  for (const validityMs of [crlValidityMs, deltaCrlValidityMs]) {
    // Times have whole seconds.
    if (validityMs === undefined || (validityMs >= 1000 && Number.isFinite(validityMs))) continue;
    throw notPossible(`CRLs would be good for ${validityMs} ms; expected a second or more`);
  }
  if (crlScope !== undefined) assertScopeCovers(crlUris, crlScope);
}

function assertScopeCovers(
  crlUris: readonly string[],
  { uris, only }: NonNullable<CrlOptions['crlScope']>,
): void {
  if (only === undefined && (uris === undefined || uris.length === 0)) {
    throw notPossible('the scope of the CRLs says nothing, which RFC 5280 5.2.5 forbids');
  }
  if (only === 'caCertificates') {
    throw notPossible('the CRLs would cover CA certificates alone; this CA issues to end entities only');
  }
  // RFC 5280 6.3.3 (b) (2) (i): one of the names must match, or the CRL is not for the certificate.
  if (uris === undefined || uris.length === 0 || uris.some((uri) => crlUris.includes(uri))) return;
  throw notPossible(
    `the CRLs would be for ${uris.join(', ')}; certificates say that theirs is at ${crlUris.join(', ') || 'no place'}`,
  );
}

function notPossible(found: string): CountersignError {
  return new CountersignError('ISSUER_NOT_ACCEPTABLE', found, 'Correct the CRL options of the CA.');
}
