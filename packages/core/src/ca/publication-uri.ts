/**
 * Whether certificates and CRLs may point at this place (RFC 5280 4.2.1.13, 4.2.2.1, 5.2.6): an absolute URI, which a
 * relying party fetches without asking this CA (no https).
 */
export function isPublicationUri(uri: string): boolean {
  return URL.canParse(uri) && ['http:', 'ldap:'].includes(new URL(uri).protocol);
}
