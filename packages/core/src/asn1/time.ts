/** UTCTime and GeneralizedTime as RFC 5280 4.1.2.5 allows them: seconds present, Z, no fraction. */

export function decodeUtcTime(contents: Uint8Array): Date | undefined {
  const digits = timeDigits(contents, 13);
  if (digits === undefined) return undefined;
  // RFC 5280 4.1.2.5.1: years 50 to 99 are of the twentieth century.
  const century = Number(digits.slice(0, 2)) >= 50 ? '19' : '20';
  return instant(century + digits);
}

/** RFC 5280 4.1.2.5: writers use it from 2050 on only, readers MUST take it for any year. */
export function decodeGeneralizedTime(contents: Uint8Array): Date | undefined {
  const digits = timeDigits(contents, 15);
  return digits === undefined ? undefined : instant(digits);
}

/** Text of a time: UTCTime for 1950 to 2049, GeneralizedTime otherwise. Fractions of a second are dropped. */
export function encodeTime(date: Date): {
  readonly form: 'utcTime' | 'generalizedTime';
  readonly text: string;
} {
  const text = encodeGeneralizedTime(date);
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050
    ? { form: 'utcTime', text: text.slice(2) }
    : { form: 'generalizedTime', text };
}

/** Text of a GeneralizedTime for any year, where a structure has no other form (RFC 6960 4.2.1). */
export function encodeGeneralizedTime(date: Date): string {
  return `${date.toISOString().replace(/\.\d+Z$|[-:T]/g, '')}Z`;
}

function timeDigits(contents: Uint8Array, length: number): string | undefined {
  if (contents.length !== length) return undefined;
  const text = Buffer.from(contents.buffer, contents.byteOffset, contents.length).toString('latin1');
  return /^\d+Z$/.test(text) ? text.slice(0, -1) : undefined;
}

function instant(digits: string): Date | undefined {
  const iso = digits.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6.000Z');
  const date = new Date(iso);
  // Date rolls 31 April over to 1 May and takes 24:00; only a date that prints as it was written is one.
  return Number.isNaN(date.getTime()) || date.toISOString() !== iso ? undefined : date;
}
