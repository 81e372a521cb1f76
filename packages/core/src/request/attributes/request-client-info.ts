import { DerReader } from '../../asn1/der-reader.ts';
import { integer, sequence, utf8String } from '../../asn1/der-writer.ts';

/** What the client says of itself (szOID_REQUEST_CLIENT_INFO, MS-WCCE 2.2.2.7.4). */
export interface RequestClientInfo {
  /** Which program made the request; 8 is enrollment on behalf of another (MS-WCCE appendix). 0 to 2^31 - 1. */
  readonly clientId: number;
  readonly machineName: string;
  /** The down-level logon name, `DOMAIN\name`. */
  readonly userName: string;
  readonly processName: string;
}

export function parseRequestClientInfo(value: Uint8Array): RequestClientInfo {
  const reader = DerReader.sequence(value, 'request client info attribute');
  const clientId = reader.smallInteger();
  const machineName = reader.utf8String();
  const userName = reader.utf8String();
  const processName = reader.utf8String();
  reader.end();
  return { clientId, machineName, userName, processName };
}

export function encodeRequestClientInfo(info: RequestClientInfo): Uint8Array {
  return sequence(
    integer(info.clientId),
    utf8String(info.machineName),
    utf8String(info.userName),
    utf8String(info.processName),
  );
}
