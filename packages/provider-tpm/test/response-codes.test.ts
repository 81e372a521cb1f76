import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { commandRefused, decodeResponseCode, type TpmResponseCode } from '@countersign/provider-tpm';
import { expect, onTestFinished, test } from 'vitest';

const run = promisify(execFile);

/** What tpm2_rc_decode writes for each code, from the library function behind it: 4096 processes take too long. */
async function decodedByTss(): Promise<readonly string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-rc-'));
  onTestFinished(async () => rm(directory, { recursive: true, force: true }));
  const program = join(directory, 'decode');
  await writeFile(
    `${program}.cc`,
    '#include <cstdio>\n#include <tss2/tss2_rc.h>\nint main() { for (int c = 0; c < 4096; c++) puts(Tss2_RC_Decode(c)); }\n',
  );
  await run('g++', [`${program}.cc`, '-o', program, '-ltss2-rc']);
  const { stdout } = await run(program, { maxBuffer: 2 ** 22 });
  return stdout.trimEnd().split('\n');
}

test('all codes from 0 to 0xFFF are taken apart as tpm2_rc_decode does', async () => {
  const theirs = await decodedByTss();
  expect(theirs.length).toBe(4096);
  for (const code of [0x000, 0x01e, 0x100, 0x1d5, 0x921, 0x98e, 0x9a2]) {
    const { stdout } = await run('tpm2_rc_decode', [String(code)]);
    expect(stdout.trim()).toBe(theirs[code]);
  }
  let named = 0;
  for (const [code, theirText] of theirs.entries()) {
    const ours = decodeResponseCode(code);
    // Bit 9 is reserved in format 0 (TPM 2.0 part 2, 6.6.2). They read over it; here no name is given to such a code.
    if ((code & 0x280) === 0x200 && (code & 0x100) !== 0) {
      expect(ours.meaning, theirText).toBeUndefined();
      continue;
    }
    const described = !/\(null\)|unknown|Vendor|^tpm:0x/.test(theirText);
    // The last code is in the table of the specification, and missing from theirs.
    if (code !== 0x97f)
      expect(ours.meaning !== undefined, `0x${code.toString(16)} ${theirText}`).toBe(described);
    if (described) named += 1;
    const prefix = theirText.slice(0, theirText.indexOf(':', 4));
    if (!theirText.startsWith('tpm:0x') && code !== 0) expect(prefixOf(ours)).toBe(prefix);
  }
  expect(named).toBeGreaterThan(1000);
});

/** What tpm2_rc_decode writes before its description. */
function prefixOf({ code, kind, subject }: TpmResponseCode): string {
  if ((code & 0x80) !== 0) {
    // A parameter's number has four bits (TPM 2.0 part 2, 6.6.2, table 13), of which they read three.
    const number = (subject?.number ?? 0) & 7;
    return `tpm:${subject?.kind ?? 'handle'}(${number === 0 ? 'unk' : number})`;
  }
  const severity = (code & 0x800) === 0 ? 'error' : 'warn';
  return `tpm:${severity}(${kind === 'tpm-1.2' ? '1.2' : '2.0'})`;
}

test('the names are those of the TSS header', async () => {
  const header = await readFile('/usr/include/tss2/tss2_tpm2_types.h', 'utf8');
  const bases: Record<string, number> = { VER1: 0x100, FMT1: 0x80, WARN: 0x900 };
  const names = new Map<number, string>();
  for (const { groups } of header.matchAll(
    /#define TPM2_RC_(?<name>\w+)\s+\(\(TPM2_RC\)\s*\(TPM2_RC_(?<base>VER1|FMT1|WARN) \+ (?<number>0x[0-9A-Fa-f]+)\)\)/g,
  )) {
    names.set((bases[groups?.['base'] ?? ''] ?? 0) + Number(groups?.['number']), groups?.['name'] ?? '');
  }
  expect(names.size).toBeGreaterThan(90);
  names.delete(0x17f); // TPM_RC_MAX_FM0: the end of a range.
  for (const [code, name] of names) expect(decodeResponseCode(code).name).toBe(`TPM_RC_${name}`);
  const ours = Array.from({ length: 0x1000 }, (_, code) => decodeResponseCode(code)).filter(
    ({ code, meaning, subject }) =>
      meaning !== undefined && code !== 0 && ((code & 0x80) === 0 || (subject === undefined && code < 0x100)),
  );
  expect(ours.map(({ code }) => code).filter((code) => !names.has(code))).toEqual([]);
});

test('subjects are numbered from one', () => {
  expect(decodeResponseCode(0x98e)).toMatchObject({
    name: 'TPM_RC_AUTH_FAIL',
    subject: { kind: 'session', number: 1 },
  });
  expect(decodeResponseCode(0x184)).toMatchObject({
    name: 'TPM_RC_VALUE',
    subject: { kind: 'handle', number: 1 },
  });
  expect(decodeResponseCode(0xfd5)).toMatchObject({
    name: 'TPM_RC_SIZE',
    subject: { kind: 'parameter', number: 15 },
  });
  expect(decodeResponseCode(0x084).subject).toBeUndefined();
  expect(decodeResponseCode(0x916)).toMatchObject({
    name: 'TPM_RC_REFERENCE_H6',
    subject: { kind: 'handle', number: 7 },
  });
  expect(decodeResponseCode(0x91a).subject).toEqual({ kind: 'session', number: 3 });
});

test('a code from a resource manager is told from one of another layer', () => {
  expect(decodeResponseCode(0xb0143)).toMatchObject({ code: 0xb0143, name: 'TPM_RC_COMMAND_CODE' });
  expect(decodeResponseCode(0xa0143)).toMatchObject({ name: '0xA0143', kind: 'vendor', meaning: undefined });
  expect(decodeResponseCode(0x8028_4001)).toMatchObject({ name: '0x80284001', kind: 'vendor' });
});

test('the error names the command, the code, the subject, and what to do', () => {
  const wrong = commandRefused(0x15d, 0x98e);
  expect(wrong.code).toBe('TPM_REFUSED');
  expect(wrong.message).toBe(
    'TPM2_Sign was refused with TPM_RC_AUTH_FAIL (0x98E) for session 1: the authorization is wrong, and counts against the dictionary-attack limit',
  );
  expect(wrong.hint).toContain('right authorization');
  expect(commandRefused(0x153, 0x902).code).toBe('TPM_BUSY');
  expect(commandRefused(0x157, 0x910).hint).toContain('Load the object');
  expect(commandRefused(0x2000_1234, 0x52a).message).toBe('command 0x20001234 was refused with 0x52A');
  expect(commandRefused(0x144, 0x01e).hint).toContain('TPM 1.2');
});
