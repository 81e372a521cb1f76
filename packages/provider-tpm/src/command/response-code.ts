import { errorNames, formatOneNames, warningNames } from './response-code-names.ts';

/** What a response code is about; numbers count from one, in the order of the command. */
export interface ResponseCodeSubject {
  readonly kind: 'handle' | 'session' | 'parameter';
  /** Undefined where the TPM does not say which. */
  readonly number: number | undefined;
}

/** A response code, taken apart by TPM 2.0 part 2, 6.6. */
export interface TpmResponseCode {
  /** As the TPM sent it. */
  readonly code: number;
  /** `TPM_RC_VALUE`; for a code without a name its number, `0x90B`. */
  readonly name: string;
  /** What it means, half a sentence; undefined for a code without a name. */
  readonly meaning: string | undefined;
  readonly kind: 'success' | 'error' | 'warning' | 'vendor' | 'tpm-1.2';
  readonly subject: ResponseCodeSubject | undefined;
}

/** @param response whole, as `TpmTransport` gives it. */
export function responseCodeOf(response: Uint8Array): number {
  return new DataView(response.buffer, response.byteOffset, response.byteLength).getUint32(6);
}

/** The TPM did not start the command, and says to send it again as it is. */
export function wantsRetry(code: number): boolean {
  return retryCodes.has(code);
}

/** @param code 32 bits. */
export function decodeResponseCode(code: number): TpmResponseCode {
  if (code === 0) return named(code, 'success', ['TPM_RC_SUCCESS', 'the command was carried out'], undefined);
  // A resource manager in front of the TPM puts its own number above the TPM's code (TSS 2.0 overview, 2.4).
  const layer = code >>> 16;
  if (layer !== 0 && layer !== resourceManagerTpmLayer) return named(code, 'vendor', undefined, undefined);
  const own = code & 0xffff;
  if (own > 0xfff) return named(code, 'vendor', undefined, undefined);
  if ((own & formatOne) !== 0) {
    return named(code, 'error', formatOneNames.get(own & 0x3f), subjectOf(own));
  }
  if ((own & version20) === 0) return named(code, 'tpm-1.2', undefined, undefined);
  if ((own & vendorDefined) !== 0) return named(code, 'vendor', undefined, undefined);
  const number = own & 0x27f;
  if ((own & warning) === 0) return named(code, 'error', errorNames.get(number), undefined);
  return named(code, 'warning', warningNames.get(number), referenceSubject(number));
}

const retryCodes: ReadonlySet<number> = new Set([0x908, 0x90a, 0x920, 0x922]);

/** Bits of a code: 7 tells the formats apart; in format 0, 8 is set by TPM 2.0, 10 by vendors, 11 by warnings. */
const formatOne = 0x080;
const version20 = 0x100;
const vendorDefined = 0x400;
const warning = 0x800;
const resourceManagerTpmLayer = 11;

/** Format 1: bit 6 tells parameters, else bit 11 tells sessions from handles; the number stands in bits 8 to 11. */
function subjectOf(code: number): ResponseCodeSubject | undefined {
  const number = (code >>> 8) & 0xf;
  if ((code & 0x040) !== 0) return { kind: 'parameter', number: number === 0 ? undefined : number };
  if (number === 0) return undefined;
  if (number < 8) return { kind: 'handle', number };
  return { kind: 'session', number: number === 8 ? undefined : number - 8 };
}

/** TPM_RC_REFERENCE_H0 and its like say in their own number which handle or session is not loaded. */
function referenceSubject(number: number): ResponseCodeSubject | undefined {
  if (number >= 0x10 && number <= 0x16) return { kind: 'handle', number: number - 0x0f };
  if (number >= 0x18 && number <= 0x1e) return { kind: 'session', number: number - 0x17 };
  return undefined;
}

function named(
  code: number,
  kind: TpmResponseCode['kind'],
  entry: readonly [name: string, meaning: string] | undefined,
  subject: ResponseCodeSubject | undefined,
): TpmResponseCode {
  const number = `0x${code.toString(16).toUpperCase().padStart(3, '0')}`;
  return { code, kind, subject, name: entry?.[0] ?? number, meaning: entry?.[1] };
}
