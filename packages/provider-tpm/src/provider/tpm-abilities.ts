import type { KeyAlgorithm } from '@countersign/core';
import { getAlgorithms, getCurves, getProperties } from '../command/get-capability.ts';
import { runCommand, type CommandChannel } from '../command/run-command.ts';
import { TpmRefusal, type HashAlgorithm } from '../session/index.ts';

/** What a TPM says that it can do. */
export interface TpmAbilities {
  /** Best first. */
  readonly algorithms: readonly KeyAlgorithm[];
  readonly hashes: ReadonlySet<HashAlgorithm>;
  /** How many objects it works with at once. */
  readonly objectSlots: number;
  /** Manufacturer, as its four characters, and firmware version. */
  readonly description: string;
}

export async function readAbilities(channel: CommandChannel): Promise<TpmAbilities> {
  const properties = await getProperties(channel);
  const implemented = new Set((await getAlgorithms(channel)).map(({ algorithm }) => algorithm));
  const curves = new Set(await getCurves(channel));
  const algorithms: KeyAlgorithm[] = [];
  for (const { algorithm, curve, rsaBits } of candidates) {
    const isThere =
      curve === undefined
        ? implemented.has(algRsa) && (await takesRsa(channel, rsaBits))
        : implemented.has(algEcdsa) && curves.has(curve);
    if (isThere) algorithms.push(algorithm);
  }
  const [version1 = 0, version2 = 0] = [properties.get(0x10b), properties.get(0x10c)];
  return {
    algorithms,
    hashes: new Set(hashIds.flatMap(([name, id]) => (implemented.has(id) ? [name] : []))),
    // TPM_PT_HR_TRANSIENT_MIN; three is the least that the PC client profile allows.
    objectSlots: properties.get(0x10e) ?? 3,
    description: `${fourCharacters(properties.get(0x105) ?? 0)}, firmware ${version1.toString(16)}.${version2.toString(16)}`,
  };
}

const algRsa = 0x0001;
const algEcdsa = 0x0018;

const candidates: readonly {
  readonly algorithm: KeyAlgorithm;
  /** TPM_ECC_CURVE. */
  readonly curve?: number;
  readonly rsaBits?: number;
}[] = [
  { algorithm: 'p256', curve: 3 },
  { algorithm: 'rsa2048', rsaBits: 2048 },
  { algorithm: 'p384', curve: 4 },
  { algorithm: 'rsa3072', rsaBits: 3072 },
  { algorithm: 'rsa4096', rsaBits: 4096 },
  { algorithm: 'p521', curve: 5 },
];

const hashIds = [
  ['sha256', 0x000b],
  ['sha384', 0x000c],
  ['sha512', 0x000d],
] as const;

/** TPM2_TestParms (TPM 2.0 part 3, 30.3): no capability lists the sizes. */
export async function takesRsa(channel: CommandChannel, keyBits = 0): Promise<boolean> {
  const parameters = Buffer.alloc(12);
  for (const [index, value] of [algRsa, 0x0010, 0x0010, keyBits].entries()) {
    parameters.writeUInt16BE(value, 2 * index);
  }
  try {
    (await runCommand(channel, { code: 0x18a, parameters })).end();
    return true;
  } catch (error) {
    if (error instanceof TpmRefusal && error.code === 'TPM_REFUSED') return false;
    throw error;
  }
}

function fourCharacters(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes
    .toString('latin1')
    .replaceAll(/[^ -~]/g, '')
    .trim();
}
