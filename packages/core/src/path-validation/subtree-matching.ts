import type { GeneralName } from '../x509/general-name.ts';

/** A name of a certificate that constraints may speak of. */
export type ConstrainedName = GeneralName;

/**
 * Whether a name lies in the subtree under `base`, a name of the same form (RFC 5280 4.2.1.10; directory names are
 * compared elsewhere).
 * @returns undefined if that cannot be told: an unknown form, or a name that is not what its form says
 */
export function isWithinSubtreeOf(name: ConstrainedName, base: GeneralName): boolean | undefined {
  if (name.kind === 'rfc822Name' && base.kind === 'rfc822Name') return isMailboxWithin(name.text, base.text);
  if (name.kind === 'dNSName' && base.kind === 'dNSName') return isHostBelow(name.text, base.text);
  if (name.kind === 'uniformResourceIdentifier' && base.kind === 'uniformResourceIdentifier') {
    return isUriWithin(name.text, base.text);
  }
  if (name.kind === 'iPAddress' && base.kind === 'iPAddress')
    return isAddressWithin(name.octets, base.octets);
  return undefined;
}

/** A mailbox, all mailboxes of a host, or with a leading dot all mailboxes in a domain. */
function isMailboxWithin(mailbox: string, base: string): boolean | undefined {
  const at = mailbox.lastIndexOf('@');
  if (at <= 0) return undefined;
  const [local, host] = [mailbox.slice(0, at), mailbox.slice(at + 1)];
  const baseAt = base.lastIndexOf('@');
  if (baseAt >= 0) return local === base.slice(0, baseAt) && sameHost(host, base.slice(baseAt + 1));
  return base.startsWith('.') ? isHostInDomain(host, base) : sameHost(host, base);
}

/** The host itself or, with any labels added on the left, one below it. A wildcard stands for hosts that may be meant. */
function isHostBelow(host: string, base: string): boolean {
  if (base === '') return true;
  return base.startsWith('.')
    ? isHostInDomain(host, base)
    : sameHost(host, base) || isHostInDomain(host, `.${base}`);
}

/** The host of the URI: one host, or with a leading dot every host in a domain. */
function isUriWithin(uri: string, base: string): boolean | undefined {
  const host = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:[^/?#@]*@)?(?<host>[^/?#:@[\]]+)(?::\d*)?(?:[/?#]|$)/u.exec(
    uri,
  )?.groups?.['host'];
  // RFC 5280 4.2.1.10: a URI without a fully qualified domain name is not acceptable under a constraint.
  if (host === undefined || /^[\d.]+$/u.test(host)) return undefined;
  return base.startsWith('.') ? isHostInDomain(host, base) : sameHost(host, base);
}

/** `base` is address and mask, each as long as an address; of the other family it holds none. */
function isAddressWithin(address: Uint8Array, base: Uint8Array): boolean {
  if (base.length !== 2 * address.length) return false;
  return address.every((octet, i) => {
    const mask = base[address.length + i] ?? 0;
    return (octet & mask) === ((base[i] ?? 0) & mask);
  });
}

function isHostInDomain(host: string, dotDomain: string): boolean {
  return host.length > dotDomain.length && host.toLowerCase().endsWith(dotDomain.toLowerCase());
}

function sameHost(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
