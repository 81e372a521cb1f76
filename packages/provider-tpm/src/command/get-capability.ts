import { structureMalformed, unmarshal } from '../structures/marshal.ts';
import {
  TPM_CAP,
  TPM_CC,
  TPML_ALG_PROPERTY,
  TPML_CCA,
  TPML_ECC_CURVE,
  TPML_HANDLE,
  TPML_TAGGED_TPM_PROPERTY,
  TPMS_CAPABILITY_DATA,
} from '../structures/tss.ts';
import { runCommand, type CommandChannel } from './run-command.ts';

/**
 * TPM_CAP_TPM_PROPERTIES: values by TPM_PT, from the one given to the end of its group. 0x100 begins those that never
 * change, 0x200 those that do (TPM 2.0 part 2, 6.13).
 */
export async function getProperties(
  channel: CommandChannel,
  from = 0x100,
): Promise<ReadonlyMap<number, number>> {
  const properties = await page(channel, TPM_CAP.TPM_PROPERTIES, from, (data) =>
    data instanceof TPML_TAGGED_TPM_PROPERTY
      ? data.tpmProperty.map(({ property, value }) => ({ key: property, item: value }))
      : undefined,
  );
  return new Map(properties.map(({ key, item }) => [key, item]));
}

/** TPM_HT: the uppermost byte of a handle. Sessions: those loaded, and those saved. */
export const handleTypes = {
  pcr: 0x00,
  nvIndex: 0x01,
  loadedSession: 0x02,
  savedSession: 0x03,
  permanent: 0x40,
  transient: 0x80,
  persistent: 0x81,
} as const;

/** TPM_CAP_HANDLES: the handles of one type that are in use, ascending. */
export async function getHandles(
  channel: CommandChannel,
  type: keyof typeof handleTypes,
): Promise<readonly number[]> {
  const first = handleTypes[type] * 0x0100_0000;
  const handles = await page(channel, TPM_CAP.HANDLES, first, (data) =>
    data instanceof TPML_HANDLE
      ? // HMAC and policy sessions stand in one list, each with its own uppermost byte.
        data.handle.map(({ handle }) => ({ key: first + (handle & 0x00ff_ffff), item: handle }))
      : undefined,
  );
  return handles.map(({ item }) => item);
}

export interface AlgorithmCapability {
  /** TPM_ALG_ID. */
  readonly algorithm: number;
  /** TPMA_ALGORITHM. */
  readonly attributes: number;
}

/** TPM_CAP_ALGS. */
export async function getAlgorithms(channel: CommandChannel): Promise<readonly AlgorithmCapability[]> {
  const algorithms = await page(channel, TPM_CAP.ALGS, 0, (data) =>
    data instanceof TPML_ALG_PROPERTY
      ? data.algProperties.map(({ alg, algProperties }) => ({
          key: alg,
          item: { algorithm: alg, attributes: algProperties },
        }))
      : undefined,
  );
  return algorithms.map(({ item }) => item);
}

/** TPM_CAP_ECC_CURVES: TPM_ECC_CURVE numbers. */
export async function getCurves(channel: CommandChannel): Promise<readonly number[]> {
  const curves = await page(channel, TPM_CAP.ECC_CURVES, 0, (data) =>
    data instanceof TPML_ECC_CURVE ? data.eccCurves.map((curve) => ({ key: curve, item: curve })) : undefined,
  );
  return curves.map(({ item }) => item);
}

/** TPMA_CC (TPM 2.0 part 2, 8.9), of which a session layer has to know the count of handles. */
export interface CommandCapability {
  /** TPM_CC. */
  readonly code: number;
  readonly handles: number;
  readonly returnsHandle: boolean;
  readonly mayWriteNv: boolean;
  readonly mayFlushContexts: boolean;
  /** The handle given is flushed when the command has succeeded. */
  readonly flushesItsHandle: boolean;
}

/** TPM_CAP_COMMANDS. */
export async function getCommands(channel: CommandChannel): Promise<readonly CommandCapability[]> {
  const commands = await page(channel, TPM_CAP.COMMANDS, 0, (data) =>
    data instanceof TPML_CCA
      ? data.commandAttributes.map((attributes) => {
          const item = commandCapability(attributes);
          return { key: item.code, item };
        })
      : undefined,
  );
  return commands.map(({ item }) => item);
}

function commandCapability(attributes: number): CommandCapability {
  const bit = (position: number) => ((attributes >>> position) & 1) === 1;
  return {
    // Bit 29 tells a vendor's commands, in the attributes as in the code.
    code: attributes & 0x2000_ffff,
    mayWriteNv: bit(22),
    mayFlushContexts: bit(23),
    flushesItsHandle: bit(24),
    handles: (attributes >>> 25) & 7,
    returnsHandle: bit(28),
  };
}

interface Entry<T> {
  /** The property that the entry answers; entries come in ascending order of it. */
  readonly key: number;
  readonly item: T;
}

/** More than any TPM gives in one response. */
const pageLength = 1024;

/** TPM2_GetCapability (TPM 2.0 part 3, 30.2), repeated while the TPM says that there is more. */
async function page<T>(
  channel: CommandChannel,
  capability: TPM_CAP,
  first: number,
  entriesOf: (data: unknown) => readonly Entry<T>[] | undefined,
): Promise<readonly Entry<T>[]> {
  const all: Entry<T>[] = [];
  let from = first;
  for (;;) {
    const parameters = new Uint8Array(12);
    const view = new DataView(parameters.buffer);
    for (const [index, value] of [capability, from, pageLength].entries()) view.setUint32(4 * index, value);
    const reader = await runCommand(channel, { code: TPM_CC.GetCapability, parameters });
    const moreData = reader.yesNo();
    const entries = entriesOf(unmarshal(TPMS_CAPABILITY_DATA, reader.rest()).data);
    if (entries === undefined)
      throw structureMalformed('TPMS_CAPABILITY_DATA', 'it is of another capability');
    for (const entry of entries) {
      // Entries that do not ascend would have the TPM asked for ever.
      if (entry.key < from) {
        throw structureMalformed('TPMS_CAPABILITY_DATA', `${entry.key} stands in it after ${from - 1}`);
      }
      from = entry.key + 1;
      all.push(entry);
    }
    if (!moreData) return all;
    if (entries.length === 0) throw structureMalformed('TPMS_CAPABILITY_DATA', 'it is empty and has more');
  }
}
