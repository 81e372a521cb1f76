import { getAlgorithms, getCurves, getProperties } from '../command/get-capability.ts';
import { readClock } from '../command/read-clock.ts';
import type { CommandChannel } from '../command/run-command.ts';
import { takesRsa } from '../provider/tpm-abilities.ts';
import { algorithmName, curveName, manufacturerName } from './tpm-names.ts';

/** What a TPM says of itself, its make, its abilities and its protection against guessing. */
export interface InspectedFacts {
  readonly identity: {
    /** Four characters of TCG's registry, such as `INTC`. */
    readonly manufacturer: string;
    readonly manufacturerName: string | null;
    readonly vendorString: string;
    /** Four numbers with dots. */
    readonly firmware: string;
    readonly family: string;
    /** Such as `1.59`. */
    readonly specificationRevision: string;
    /** ISO 8601. */
    readonly specificationDate: string | null;
  };
  /** Names of the TCG algorithm registry. */
  readonly algorithms: ReadonlySet<string>;
  readonly curves: ReadonlySet<string>;
  readonly rsaKeyBits: readonly number[];
  readonly lockout: InspectedLockout;
  /** Whether the endorsement hierarchy has an authValue. */
  readonly endorsementGuarded: boolean;
  readonly resetCount: number;
}

export interface InspectedLockout {
  readonly locked: boolean;
  readonly failedTries: number;
  readonly maxTries: number;
  /** 0 switches the protection off (TPM 2.0 part 3, 25.3). */
  readonly recoverySeconds: number;
  readonly lockoutRecoverySeconds: number;
  /** TPMA_PERMANENT lockoutAuthSet. */
  readonly administratorSet: boolean;
}

/** @param channel in a session, so that the TPM vouches for what is said */
export async function readFacts(channel: CommandChannel): Promise<InspectedFacts> {
  const fixed = await getProperties(channel, 0x100);
  const variable = await getProperties(channel, 0x200);
  const algorithms = (await getAlgorithms(channel)).map(({ algorithm }) => algorithmName(algorithm));
  const curves = (await getCurves(channel)).map(curveName);
  const rsaKeyBits: number[] = [];
  for (const bits of algorithms.includes('RSA') ? [2048, 3072, 4096] : []) {
    if (await takesRsa(channel, bits)) rsaKeyBits.push(bits);
  }
  const { resetCount } = await readClock(channel);
  return {
    identity: identityIn(fixed),
    algorithms: new Set(algorithms),
    curves: new Set(curves),
    rsaKeyBits,
    lockout: lockoutIn(variable),
    endorsementGuarded: (((variable.get(0x200) ?? 0) >>> 1) & 1) === 1,
    resetCount,
  };
}

type Properties = ReadonlyMap<number, number>;

function identityIn(properties: Properties): InspectedFacts['identity'] {
  const value = (property: number): number => properties.get(property) ?? 0;
  const manufacturer = characters(value(0x105));
  const revision = value(0x102);
  return {
    manufacturer,
    manufacturerName: manufacturerName(manufacturer),
    vendorString: [0x106, 0x107, 0x108, 0x109].map((property) => characters(value(property))).join(''),
    firmware: [value(0x10b), value(0x10c)].flatMap((version) => [version >>> 16, version & 0xffff]).join('.'),
    family: characters(value(0x100)),
    specificationRevision: `${Math.floor(revision / 100)}.${String(revision % 100).padStart(2, '0')}`,
    specificationDate: dateOf(value(0x104), value(0x103)),
  };
}

/** TPM_PT_YEAR and TPM_PT_DAY_OF_YEAR, which a TPM may leave at 0. */
function dateOf(year: number, day: number): string | null {
  if (year < 2000 || year > 9999 || day < 1 || day > 366) return null;
  return new Date(Date.UTC(year, 0, day)).toISOString().slice(0, 10);
}

function lockoutIn(properties: Properties): InspectedLockout {
  const permanent = properties.get(0x200) ?? 0;
  return {
    locked: ((permanent >>> 9) & 1) === 1,
    failedTries: properties.get(0x20e) ?? 0,
    maxTries: properties.get(0x20f) ?? 0,
    recoverySeconds: properties.get(0x210) ?? 0,
    lockoutRecoverySeconds: properties.get(0x211) ?? 0,
    administratorSet: ((permanent >>> 2) & 1) === 1,
  };
}

/** Four ASCII characters, padded with NUL or spaces. */
function characters(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes
    .toString('latin1')
    .replaceAll(/[^ -~]/g, '')
    .trim();
}
