import { context, element, generalizedTime, integer, sequence, sequenceOf } from '@countersign/core/asn1';
import { application, int32, kerberosFlags, kerberosString } from './kerberos-types.ts';
import { encodePaDataSequence, type PaData } from './pa-data.ts';
import { encodePrincipalName, type PrincipalName } from './principal-name.ts';

/** What is asked of the KDC: the fields of KDC-REQ-BODY (RFC 4120 5.4.1) that an initial request uses. */
export interface AsRequestBody {
  readonly client: PrincipalName;
  readonly realm: string;
  readonly server: PrincipalName;
  readonly options: { readonly forwardable: boolean; readonly canonicalize: boolean };
  readonly till: Date;
  /** Until when the ticket may be renewed; not renewable if absent. */
  readonly renewTill: Date | undefined;
  readonly nonce: number;
  /** Best first. */
  readonly encryptionTypes: readonly number[];
}

/** @returns KDC-REQ-BODY, DER: what the checksums of PKINIT cover */
export function encodeAsRequestBody(body: AsRequestBody): Uint8Array {
  return sequence(
    context(0, kerberosFlags(kdcOptions(body))),
    context(1, encodePrincipalName(body.client)),
    context(2, kerberosString(body.realm)),
    context(3, encodePrincipalName(body.server)),
    context(5, generalizedTime(body.till)),
    ...(body.renewTill === undefined ? [] : [context(6, generalizedTime(body.renewTill))]),
    context(7, integer(body.nonce)),
    context(8, sequenceOf(body.encryptionTypes.map(int32))),
  );
}

/** @param body from `encodeAsRequestBody` @returns AS-REQ, DER */
export function encodeAsRequest(body: Uint8Array, paData: readonly PaData[]): Uint8Array {
  return element(
    application(10),
    sequence(
      context(1, integer(5)),
      context(2, integer(10)),
      context(3, encodePaDataSequence(paData)),
      context(4, body),
    ),
  );
}

/** KDCOptions: forwardable (1), renewable (8), canonicalize (15; RFC 6806 3). */
function kdcOptions({ options, renewTill }: AsRequestBody): number {
  return (
    (options.forwardable ? 0x4000_0000 : 0) |
    (renewTill === undefined ? 0 : 0x0080_0000) |
    (options.canonicalize ? 0x0001_0000 : 0)
  );
}
