import { keyCredentialMalformed } from './key-credential-malformed.ts';

/** KeyUsage (MS-ADTS 2.2.20.6): `ngc` (Windows Hello), `fido` and `fek`; the others are what directories hold besides. */
export type KeyUsage = 'adminKey' | 'ngc' | 'stk' | 'bitLockerRecovery' | 'other' | 'fido' | 'fek';

export const keyUsages: Readonly<Record<KeyUsage, number>> = {
  adminKey: 0,
  ngc: 1,
  /** Session transport key of a device. */
  stk: 2,
  bitLockerRecovery: 3,
  other: 4,
  fido: 7,
  /** File encryption key. */
  fek: 8,
};

/** KeySource: `entraId` for keys that Connect wrote down from there; times are encoded another way then. */
export type KeySource = 'activeDirectory' | 'entraId';

export const keySources: Readonly<Record<KeySource, number>> = { activeDirectory: 0, entraId: 1 };

/** The name of a one-octet code. */
export function parseCode<Name extends string>(
  codes: Readonly<Record<Name, number>>,
  value: Uint8Array,
  what: string,
): Name {
  for (const name in codes) {
    if (value.length === 1 && codes[name] === value[0]) return name;
  }
  const found = Buffer.from(value.subarray(0, 4)).toString('hex');
  throw keyCredentialMalformed(`${what} is ${found} in ${value.length} octets, which is none that is known`);
}
