import { CountersignError } from '../../errors.ts';
import { keyCredentialMalformed } from './key-credential-malformed.ts';

/** A value of the syntax DN-Binary (MS-ADTS 3.1.1.2.2.2.3): octets, and the object whose they are. */
export interface DnWithBinary {
  readonly octets: Uint8Array;
  /** RFC 4514 string, as it stands. */
  readonly distinguishedName: string;
}

/** `B:<count of hex digits>:<hex>:<DN>`; the DN may hold colons of its own. @throws `KEY_CREDENTIAL_MALFORMED` */
export function parseDnWithBinary(text: string): DnWithBinary {
  // No single expression over the whole: the hex part is long, and what it cannot match would be tried over and over.
  const afterCount = text.indexOf(':', 2);
  const afterHex = text.indexOf(':', afterCount + 1);
  if (!text.startsWith('B:') || afterCount < 0 || afterHex < 0) {
    throw keyCredentialMalformed('the attribute value is not of the form B:<count>:<hex>:<DN>');
  }
  const count = text.slice(2, afterCount);
  const hex = text.slice(afterCount + 1, afterHex);
  const distinguishedName = text.slice(afterHex + 1);
  if (!/^(?:0|[1-9]\d{0,8})$/u.test(count) || Number(count) !== hex.length) {
    throw keyCredentialMalformed(
      `the attribute value announces ${count.slice(0, 20)} hexadecimal digits and holds ${hex.length}`,
    );
  }
  if (hex.length % 2 !== 0 || !/^[0-9A-Fa-f]*$/u.test(hex)) {
    throw keyCredentialMalformed(
      'the attribute value holds something other than pairs of hexadecimal digits',
    );
  }
  if (distinguishedName === '') throw keyCredentialMalformed('the attribute value names no object');
  return { octets: Uint8Array.from(Buffer.from(hex, 'hex')), distinguishedName };
}

/** Hex in upper case, as Windows writes it. @throws CountersignError `VALUE_OUT_OF_RANGE` without a DN */
export function encodeDnWithBinary({ octets, distinguishedName }: DnWithBinary): string {
  if (distinguishedName === '') {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      'the distinguished name is empty',
      'Give the name of the object that the value belongs to, for example CN=Alice,DC=contoso,DC=test.',
    );
  }
  const hex = Buffer.from(octets).toString('hex').toUpperCase();
  return `B:${hex.length}:${hex}:${distinguishedName}`;
}
