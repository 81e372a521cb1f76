import type { CaseContext } from './case-context.ts';

export const conformanceAreas = [
  'info',
  'algorithms',
  'signatures',
  'messages',
  'public-keys',
  'secrecy',
  'life-cycle',
  'pin',
  'references',
  'concurrency',
  'certificates',
  'attestation',
  'origin',
  'input',
  'errors',
  'endurance',
  'resources',
  'lockout',
] as const;

export type ConformanceArea = (typeof conformanceAreas)[number];

export interface ConformanceCase {
  /** Area and name, such as `sign.ecdsa-der`. Stable: reports and exclusions name it. */
  readonly id: string;
  readonly area: ConformanceArea;
  readonly title: string;
  readonly rule: string;
  readonly source: string;
  /** Cases without which this one would say nothing: it is skipped unless they pass. */
  readonly needs?: readonly string[];
  /** Throws `Deviation`, `NotSupported` or `Skipped`; whatever else it throws fails the case too. */
  readonly run: (context: CaseContext) => Promise<void>;
}

/** Gives each case of an area its area. */
export function inArea(
  area: ConformanceArea,
  cases: readonly Omit<ConformanceCase, 'area'>[],
): readonly ConformanceCase[] {
  return cases.map((each) => ({ ...each, area }));
}

/** Where rules of the contract stand. */
export const contract = {
  provider: 'KeyProvider (core, keys/key-provider.ts)',
  info: 'ProviderInfo (core, keys/key-provider.ts)',
  spec: 'KeySpec (core, keys/key-provider.ts)',
  description: 'KeyDescription (core, keys/key-provider.ts)',
  key: 'Key (core, keys/key-provider.ts)',
  pin: 'PinProtected (core, keys/key-provider.ts)',
  certificates: 'CertificateStore (core, keys/key-provider.ts)',
  origin: 'ClaimsKeyOrigin (core, keys/key-provider.ts)',
  attestsKey: 'AttestsKey (core, keys/attesting.ts)',
  attestsDevice: 'AttestsDevice (core, keys/attesting.ts)',
  errors: 'CountersignError (core, errors.ts)',
} as const;
