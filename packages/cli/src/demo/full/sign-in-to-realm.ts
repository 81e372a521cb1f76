import { CountersignError, type Certificate, type Key } from '@countersign/core';
import {
  formatPrincipal,
  signIn,
  writeCredentialCache,
  type TicketGrantingTicket,
} from '@countersign/hello/sign-in';
import type { DemoRealm } from './demo-realm.ts';
import { askWhoIsThere, fetchServiceTicket } from './use-ticket.ts';

export interface RealmSignIn {
  /** Unlocked. */
  readonly key: Key;
  readonly certificate: Certificate;
  /** The CAs that the certificate of the KDC may come from. */
  readonly trustAnchors: readonly Certificate[];
  /** Where the tickets go, for `KRB5CCNAME=FILE:…`. */
  readonly cacheFile: string;
}

export type RealmSignInOutcome =
  | {
      readonly signedIn: true;
      /** As the KDC names the user. */
      readonly client: string;
      readonly endTime: Date;
    }
  /** The KDC takes no keys of this kind: what it says, and what it means. */
  | { readonly signedIn: false; readonly refusal: CountersignError };

/**
 * Signs the user in with key and certificate, leaves the tickets in a credential cache, and has other people's programs
 * use them: `klist`, `kvno`, and `ldapsearch` with GSSAPI where the realm has a directory.
 * @param did is told each thing that was done, a line each
 * @throws CountersignError what `signIn` refuses, but for elliptic curves at Samba's KDC, which is an outcome;
 *   `TRIAL_DOMAIN_NOT_AVAILABLE` if one of the programs does not take the tickets
 */
export async function signInToRealm(
  realm: DemoRealm,
  { key, certificate, trustAnchors, cacheFile }: RealmSignIn,
  did: (line: string) => void,
): Promise<RealmSignInOutcome> {
  let ticket: TicketGrantingTicket;
  try {
    ticket = await signIn({
      key,
      certificate,
      user: realm.userName,
      realm: realm.realm,
      kdc: realm.kdc,
      kdcTrust: { trustAnchors },
    });
  } catch (error) {
    if (!takesRsaAlone(realm, [certificate, ...trustAnchors], error)) throw error;
    did(`not signed in: ${realm.description} takes RSA keys alone, of users and of their CA`);
    did(error.message);
    return { signedIn: false, refusal: error };
  }
  tellTicket(ticket, did);
  await writeCredentialCache(cacheFile, ticket);
  await fetchServiceTicket(realm, cacheFile, did);
  if (realm.directory !== undefined) await askWhoIsThere(realm, realm.directory, cacheFile, did);
  return { signedIn: true, client: formatPrincipal(ticket.client), endTime: ticket.endTime };
}

/** What this version's KDC cannot do is told from its answer: a later version may be able to. */
function takesRsaAlone(
  { server }: DemoRealm,
  certificates: readonly Certificate[],
  error: unknown,
): error is CountersignError {
  return (
    server === 'samba' &&
    certificates.some(({ publicKey }) => !publicKey.algorithm.startsWith('rsa')) &&
    error instanceof CountersignError &&
    error.code === 'ALGORITHM_NOT_SUPPORTED'
  );
}

function tellTicket({ client, agreement, endTime }: TicketGrantingTicket, did: (line: string) => void): void {
  const { dhGroup, keyDerivation, encryptionType } = agreement;
  const derivation = keyDerivation === undefined ? 'RFC 4556' : 'RFC 8636';
  did(`signed in as ${formatPrincipal(client)}, until ${endTime.toISOString()}`);
  did(`Diffie-Hellman group ${dhGroup}, key derivation of ${derivation}, ${encryptionType}`);
}
