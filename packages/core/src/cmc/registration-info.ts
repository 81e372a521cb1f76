import { decodeUtf8String, encodeUtf8String } from '../asn1/strings.ts';
import type { NameValuePair } from '../cms/name-value-pair.ts';
import { CountersignError } from '../errors.ts';

/**
 * Writes the octets of a RegInfo control as AD CS reads them (MS-WCCE 2.2.2.6.3): `Name=Value` in UTF-8, joined with
 * `&`. That form has no escapes, and a percent sign is itself: an account `R&D` written as `R%26D` would be another
 * account. So what the form cannot hold is refused.
 * @throws CountersignError `VALUE_OUT_OF_RANGE`
 */
export function encodeRegistrationInfo(pairs: readonly NameValuePair[]): Uint8Array {
  for (const { name, value } of pairs) {
    if (!isName.test(name))
      throw outOfRange(name, "a name: at least one character, none of '=', '&' and NUL");
    if (!isValue.test(value)) throw outOfRange(value, "a value: neither '&' nor NUL in it");
  }
  const text = pairs.map(({ name, value }) => `${name}=${value}`).join('&');
  const octets = encodeUtf8String(text);
  if (octets === undefined) throw outOfRange(text, 'Unicode text');
  return octets;
}

/**
 * Reads the octets of a RegInfo control; none are no pairs. The first `=` of a pair ends its name.
 * @throws CountersignError `DER_MALFORMED`
 */
export function parseRegistrationInfo(octets: Uint8Array): NameValuePair[] {
  const text = decodeUtf8String(octets);
  if (text === undefined) throw malformed('is not UTF-8');
  return text === '' ? [] : text.split('&').map(parsePair);
}

const isName = /^[^=&\0]+$/;
const isValue = /^[^&\0]*$/;

function parsePair(text: string): NameValuePair {
  const at = text.indexOf('=');
  const name = text.slice(0, Math.max(at, 0));
  const value = text.slice(at + 1);
  if (!isName.test(name) || !isValue.test(value)) throw malformed('holds something else than Name=Value');
  return { name, value };
}

function malformed(found: string): CountersignError {
  return new CountersignError(
    'DER_MALFORMED',
    `the registration info of the CMC request ${found}`,
    'Write it as Name=Value in UTF-8, joined with & (MS-WCCE 2.2.2.6.3).',
    { adcs: 'ERROR_INVALID_DATA' },
  );
}

function outOfRange(found: string, expected: string): CountersignError {
  return new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `${JSON.stringify(found)} cannot stand in the registration info of a CMC request; expected ${expected}`,
    'Use the cms format, which can name every account.',
  );
}
