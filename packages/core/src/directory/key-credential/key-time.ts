import { CountersignError } from '../../errors.ts';
import { BlobReader } from './blob-reader.ts';
import { keyCredentialMalformed } from './key-credential-malformed.ts';
import type { KeySource } from './key-usage.ts';

/** Ticks of 100 ns in a millisecond. */
const ticksPerMs = 10_000n;
/** 1970-01-01 in ticks since 1601-01-01 (FILETIME, MS-DTYP 2.3.3) and since 0001-01-01 (DateTime of .NET). */
const unixEpoch = { activeDirectory: 116_444_736_000_000_000n, entraId: 621_355_968_000_000_000n } as const;
/** The first millisecond after the year 9999, where DateTime ends, since 1970. */
const endOfTimeMs = 253_402_300_800_000;
/** The topmost two bits of DateTime.ToBinary say of which kind it is; 01 is UTC. */
const utc = 1n << 62n;

/**
 * KeyApproximateLastLogonTimeStamp and KeyCreationTime: a FILETIME, or the DateTime.ToBinary of a UTC time where the key
 * came from Entra ID. @returns the instant, cut to the millisecond
 */
export function parseKeyTime(value: Uint8Array, source: KeySource): Date {
  const reader = new BlobReader(value, 'time stamp');
  const found = reader.u64le();
  reader.end();
  if (source === 'entraId' && found >> 62n !== 1n) {
    throw keyCredentialMalformed('a time stamp is not of the kind UTC');
  }
  const ticks = source === 'entraId' ? found - utc : found;
  const sinceUnixEpoch = ticks - unixEpoch[source];
  // Towards the past, before 1970 too.
  const belowMs = ((sinceUnixEpoch % ticksPerMs) + ticksPerMs) % ticksPerMs;
  const unixMs = Number((sinceUnixEpoch - belowMs) / ticksPerMs);
  // A FILETIME with its topmost bit set, which readers take for negative, is far beyond it.
  if (unixMs >= endOfTimeMs) throw keyCredentialMalformed('a time stamp is beyond the year 9999');
  return new Date(unixMs);
}

/** @throws CountersignError `VALUE_OUT_OF_RANGE` for a time that the form of this source cannot hold */
export function encodeKeyTime(time: Date, source: KeySource): Uint8Array {
  const unixMs = time.getTime();
  const ticks = Number.isNaN(unixMs) ? -1n : BigInt(unixMs) * ticksPerMs + unixEpoch[source];
  if (ticks < 0n || unixMs >= endOfTimeMs) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      'a time of a key credential is before its calendar begins, beyond the year 9999, or no time',
      'Give a time that fits its place in the encoding.',
    );
  }
  const octets = Buffer.alloc(8);
  octets.writeBigUInt64LE(source === 'entraId' ? ticks + utc : ticks);
  return octets;
}
