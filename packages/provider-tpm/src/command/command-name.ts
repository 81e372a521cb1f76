import { TPM_CC } from '../structures/tss.ts';

/** `TPM2_Sign`; for a code that has no name, `command 0x20000001`. */
export function commandName(commandCode: number): string {
  const name = names.get(commandCode);
  return name === undefined ? `command 0x${(commandCode >>> 0).toString(16)}` : `TPM2_${name}`;
}

/** Marks of ranges in tss.js's table, which stand beside the names of commands. */
const marks: ReadonlySet<string> = new Set(['FIRST', 'LAST', 'CC_VEND']);

const names: ReadonlyMap<number, string> = new Map(
  Object.entries(TPM_CC).flatMap(([name, code]): [number, string][] =>
    typeof code === 'number' && !marks.has(name) ? [[code, name]] : [],
  ),
);
