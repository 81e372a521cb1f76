import { CountersignError } from '../../errors.ts';
import { keyCredentialMalformed } from './key-credential-malformed.ts';

/** A GUID packet (MS-DTYP 2.3.4.2): the first three fields little-endian. @returns lower-case string form */
export function parseGuid(octets: Uint8Array): string {
  if (octets.length !== 16) {
    throw keyCredentialMalformed(`the DeviceId has ${octets.length} octets; expected 16`);
  }
  const hex = Buffer.from(inOtherOrder(octets)).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, '$1-$2-$3-$4-$5');
}

/** @throws CountersignError `VALUE_OUT_OF_RANGE` */
export function encodeGuid(guid: string): Uint8Array {
  if (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/iu.test(guid)) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      `${JSON.stringify(guid)} is not a GUID in string form`,
      'Give it as 8-4-4-4-12 hexadecimal digits.',
    );
  }
  return inOtherOrder(Buffer.from(guid.replaceAll('-', ''), 'hex'));
}

function inOtherOrder(octets: Uint8Array): Uint8Array {
  const turned = Uint8Array.from(octets);
  turned.subarray(0, 4).reverse();
  turned.subarray(4, 6).reverse();
  turned.subarray(6, 8).reverse();
  return turned;
}
