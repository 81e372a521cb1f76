import {
  Attribute,
  Change,
  type Filter,
  ModifyRequest,
  PagedResultsControl,
  ProtocolOperation,
  type SearchEntry,
  SearchRequest,
} from 'ldapts';
import { malformedReply, refused, resultCodes } from './directory-errors.ts';
import type { LdapConnection } from './ldap-connection.ts';
import { SimpleBindRequest } from './simple-bind-request.ts';

export interface SearchFields {
  /** Distinguished name as the directory itself gave it; empty for the root DSE. */
  readonly base: string;
  readonly scope: 'base' | 'one' | 'sub';
  /** A structure, not text: values stand in it as they are, so that none can change its meaning (RFC 4515). */
  readonly filter: Filter;
  readonly attributes: readonly string[];
}

/** @throws CountersignError `DIRECTORY_REFUSED`, and what ends a connection */
export async function bind(connection: LdapConnection, name: string, password: Uint8Array): Promise<void> {
  const { answer } = await connection.request(
    (id) => new SimpleBindRequest(id, name, password),
    ProtocolOperation.LDAP_RES_BIND,
  );
  if (answer.status !== resultCodes.success) {
    throw refused(connection.url, `to let ${JSON.stringify(name)} in`, answer);
  }
}

/**
 * All entries of a search that finds few; none if its base does not exist.
 * @param atMost entries beyond are left out
 * @throws CountersignError `DIRECTORY_REFUSED`, and what ends a connection
 */
export async function search(
  connection: LdapConnection,
  fields: SearchFields,
  atMost: number,
): Promise<readonly SearchEntry[]> {
  const { entries, answer } = await connection.request(
    (id) => searchRequest(id, fields, { sizeLimit: atMost }),
    ProtocolOperation.LDAP_RES_SEARCH,
  );
  switch (answer.status) {
    case resultCodes.success:
      return entries;
    case resultCodes.sizeLimitExceeded:
      return entries.slice(0, atMost);
    case resultCodes.noSuchObject:
      return [];
    default:
      throw refused(connection.url, 'a search', answer);
  }
}

/**
 * The entries of a search of any size, in pages (RFC 2696). Pages may be empty, also in the midst.
 * @throws CountersignError `DIRECTORY_REFUSED`, `DIRECTORY_REPLY_MALFORMED` if the server does not page, and what ends a
 *   connection
 */
export async function* searchPages(
  connection: LdapConnection,
  fields: SearchFields,
  pageSize: number,
): AsyncGenerator<readonly SearchEntry[]> {
  for (let cookie = Buffer.alloc(0); ;) {
    const control = new PagedResultsControl({ critical: true, value: { size: pageSize, cookie } });
    const { entries, answer } = await connection.request(
      (id) => searchRequest(id, fields, { controls: [control] }),
      ProtocolOperation.LDAP_RES_SEARCH,
    );
    if (answer.status !== resultCodes.success) throw refused(connection.url, 'a search', answer);
    yield entries;
    const next = answer.controls?.find((candidate) => candidate instanceof PagedResultsControl)?.value
      ?.cookie;
    if (next === undefined)
      throw malformedReply(connection.url, 'a page does not tell whether it is the last');
    if (next.length === 0) return;
    cookie = Buffer.from(next);
  }
}

/**
 * Adds or deletes one value of an attribute and touches no other (RFC 4511 4.6).
 * @returns false if there was nothing to do: the value was there already, or was not there
 * @throws CountersignError `DIRECTORY_REFUSED`, and what ends a connection
 */
export async function modifyValue(
  connection: LdapConnection,
  distinguishedName: string,
  operation: 'add' | 'delete',
  attribute: string,
  value: string,
): Promise<boolean> {
  const modification = new Attribute({ type: attribute, values: [value] });
  const { answer } = await connection.request(
    (messageId) =>
      new ModifyRequest({
        messageId,
        dn: distinguishedName,
        changes: [new Change({ operation, modification })],
      }),
    ProtocolOperation.LDAP_RES_MODIFY,
  );
  if (answer.status === resultCodes.success) return true;
  if (answer.status === nothingToDo[operation]) return false;
  throw refused(connection.url, `to change ${attribute} of ${distinguishedName}`, answer);
}

const nothingToDo = { add: resultCodes.attributeOrValueExists, delete: resultCodes.noSuchAttribute };

function searchRequest(
  messageId: number,
  { base, scope, filter, attributes }: SearchFields,
  extent: { readonly sizeLimit?: number; readonly controls?: PagedResultsControl[] },
): SearchRequest {
  // No time limit is asked of the server: the connection has its own, and a half answer is none.
  return new SearchRequest({
    messageId,
    baseDN: base,
    scope,
    filter,
    attributes: [...attributes],
    timeLimit: 0,
    ...extent,
  });
}
