import { CountersignError } from '@countersign/core';

/** Of a kind of character. Group Policy calls them not configured, enabled and disabled. */
export type CharacterRule = 'allow' | 'require' | 'disallow';

/** The PIN complexity policies of Windows Hello for Business, as they are set; what is absent is not configured. */
export interface PinPolicySettings {
  /** 4 to 127, and less than the maximum. */
  readonly minimumPinLength?: number;
  /** 4 to 127, and greater than the minimum. */
  readonly maximumPinLength?: number;
  readonly digits?: CharacterRule;
  readonly lowercaseLetters?: CharacterRule;
  readonly uppercaseLetters?: CharacterRule;
  readonly specialCharacters?: CharacterRule;
  /** Days after which a PIN must be changed: 0 to 730; 0 never. */
  readonly expirationDays?: number;
  /** How many PINs, the current one included, may not come again: 0 to 50. */
  readonly history?: number;
}

/** What holds, after defaults and fall-backs. */
export type PinPolicy = Required<PinPolicySettings>;

export const defaultPinPolicy: PinPolicy = {
  minimumPinLength: 6,
  maximumPinLength: 127,
  digits: 'require',
  lowercaseLetters: 'disallow',
  uppercaseLetters: 'disallow',
  specialCharacters: 'disallow',
  expirationDays: 0,
  history: 0,
};

/**
 * What Windows makes of the settings: defaults for what is not configured; for both lengths if they contradict each other;
 * for the kinds of characters if all are allowed and none is required.
 * @throws CountersignError `POLICY_INVALID` for a number out of its range
 */
export function effectivePinPolicy(settings: PinPolicySettings = {}): PinPolicy {
  for (const [name, lowest, highest] of ranges) assertInRange(name, settings[name], lowest, highest);
  const merged = { ...defaultPinPolicy, ...withoutUndefined(settings) };
  const contradictory = merged.minimumPinLength >= merged.maximumPinLength;
  const rules = kindNames.map((kind) => settings[kind]);
  const areAllAllowed = rules.every((rule) => rule === 'allow');
  const {
    minimumPinLength,
    maximumPinLength,
    digits,
    lowercaseLetters,
    uppercaseLetters,
    specialCharacters,
  } = defaultPinPolicy;
  return {
    ...merged,
    ...(contradictory ? { minimumPinLength, maximumPinLength } : {}),
    ...(areAllAllowed ? { digits, lowercaseLetters, uppercaseLetters, specialCharacters } : {}),
  };
}

/** A kind of character, for people and by octet. PINs are ASCII. */
export interface CharacterKind {
  readonly name: 'digits' | 'lowercaseLetters' | 'uppercaseLetters' | 'specialCharacters';
  readonly plural: string;
  readonly includes: (octet: number) => boolean;
}

export const characterKinds: readonly CharacterKind[] = [
  { name: 'digits', plural: 'digits', includes: (octet) => octet >= 0x30 && octet <= 0x39 },
  {
    name: 'lowercaseLetters',
    plural: 'lower-case letters',
    includes: (octet) => octet >= 0x61 && octet <= 0x7a,
  },
  {
    name: 'uppercaseLetters',
    plural: 'upper-case letters',
    includes: (octet) => octet >= 0x41 && octet <= 0x5a,
  },
  {
    name: 'specialCharacters',
    plural: 'special characters',
    // ! to ~ without digits and letters: the list in the policy's documentation.
    includes: (octet) => octet > 0x20 && octet < 0x7f && !/[0-9a-z]/i.test(String.fromCharCode(octet)),
  },
];

const kindNames = characterKinds.map(({ name }) => name);

const ranges = [
  ['minimumPinLength', 4, 127],
  ['maximumPinLength', 4, 127],
  ['expirationDays', 0, 730],
  ['history', 0, 50],
] as const;

function assertInRange(name: string, value: number | undefined, lowest: number, highest: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= lowest && value <= highest)) return;
  throw new CountersignError(
    'POLICY_INVALID',
    `the PIN policy ${name} is ${value}; expected a whole number from ${lowest} to ${highest}`,
    'Correct the policy.',
  );
}

function withoutUndefined(settings: PinPolicySettings): PinPolicySettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
