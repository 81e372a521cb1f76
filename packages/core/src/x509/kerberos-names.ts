import { context, element, integer, sequence } from '../asn1/der-writer.ts';
import { tag } from '../asn1/tag.ts';
import { oids } from '../object-identifiers.ts';
import type { GeneralName } from './general-name.ts';

/**
 * The SAN entry of a KDC: id-pkinit-san with a KRB5PrincipalName (RFC 4556 3.2.2) for `krbtgt/REALM@REALM`.
 * KerberosString is a GeneralString restricted to ASCII (RFC 4120 5.2.1); NT-SRV-INST (2) is the type of krbtgt.
 */
export function kdcPrincipalName(realm: string): GeneralName {
  return {
    kind: 'otherName',
    typeId: oids.pkinitSan,
    value: sequence(
      context(0, kerberosString(realm)),
      context(
        1,
        sequence(
          context(0, integer(2)),
          context(1, sequence(kerberosString('krbtgt'), kerberosString(realm))),
        ),
      ),
    ),
  };
}

function kerberosString(text: string): Uint8Array {
  return element(tag.generalString, Buffer.from(text, 'latin1'));
}
