import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPkcs11Provider, formatPkcs11Uri } from '@countersign/provider-pkcs11';
import { beforeAll, expect, test } from 'vitest';
import { providerOn, softHsm, userPin, utf8, type ModuleUnderTest } from './module-under-test.ts';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const pin = utf8(userPin);
let module: ModuleUnderTest;

beforeAll(async () => {
  module = await softHsm();
});

test('a module that is not there, or is none, is named', async () => {
  const directory = await temporaryDirectory();
  const text = join(directory, 'text.so');
  await writeFile(text, 'no library');
  for (const modulePath of [join(directory, 'none.so'), text, '/lib/x86_64-linux-gnu/libz.so.1']) {
    const error = await refusal(async () => createPkcs11Provider({ uri: formatPkcs11Uri({ modulePath }) }));
    expect(error.code).toBe('PROVIDER_NOT_AVAILABLE');
    expect(error.message).toContain(modulePath.replace(/\.1$/, ''));
  }
  const unnamed = await refusal(async () => createPkcs11Provider({ uri: 'pkcs11:token=a' }));
  expect(unnamed.code).toBe('PROVIDER_NOT_AVAILABLE');
  expect(unnamed.hint).toContain('module-path=');
});

test('a native part that is missing says how to compile it', () => {
  const program = fileURLToPath(new URL('children/without-native-part.ts', import.meta.url));
  const output = execFileSync(process.execPath, [
    '--conditions=@countersign/source',
    '--experimental-strip-types',
    '--no-warnings',
    program,
    module.modulePath,
  ]).toString();
  expect(output).toContain('PROVIDER_NOT_AVAILABLE');
  expect(output).toContain('npm rebuild pkcs11js');
});

test('a token that is not there is told apart from one that was never initialized', async () => {
  const elsewhere = await providerOn(module, {
    uri: formatPkcs11Uri({ token: 'none', modulePath: module.modulePath }),
  });
  expect(elsewhere.info.algorithms).toEqual([]);
  const missing = await refusal(async () => elsewhere.generate({ algorithm: 'p256', pin }));
  expect(missing.code).toBe('TOKEN_NOT_PRESENT');
  expect(missing.message).toContain('"first"');
  const blank = await providerOn(module, {
    uri: formatPkcs11Uri({ token: '', modulePath: module.modulePath }),
  });
  expect((await refusal(async () => blank.list())).code).toBe('TOKEN_NOT_INITIALIZED');
});

test('several tokens are ambiguous to make keys on, and not to find them', async () => {
  await module.addToken?.('second');
  const both = await providerOn(module, { uri: formatPkcs11Uri({ modulePath: module.modulePath }) });
  const error = await refusal(async () => both.generate({ algorithm: 'p256', pin }));
  expect(error.code).toBe('KEY_AMBIGUOUS');
  expect(error.message).toMatch(/"first".*"second"|"second".*"first"/);
  const second = await providerOn(module, {
    uri: formatPkcs11Uri({ token: 'second', moduleName: 'softhsm2', modulePath: '/usr/lib/softhsm' }),
  });
  const key = await second.generate({ algorithm: 'p256', label: 'in the second', pin });
  expect((await both.list()).map(({ ref }) => ref)).toEqual([key.ref]);
  expect((await both.open('pkcs11:object=in%20the%20second')).ref).toBe(key.ref);
  const first = await providerOn(module);
  expect(await first.list()).toEqual([]);
  const other = await refusal(async () => first.open(key.ref));
  expect(other.code).toBe('TOKEN_NOT_PRESENT');
});

test('a reference for another module or another kind of object finds no key', async () => {
  const provider = await providerOn(module);
  const { ref } = await provider.generate({ algorithm: 'p256', label: 'one', pin });
  expect((await provider.open('pkcs11:object=one')).ref).toBe(ref);
  for (const other of [
    'pkcs11:object=one?module-path=/usr/lib/other.so',
    'pkcs11:object=one?module-name=other',
    'pkcs11:object=one;type=cert',
    'pkcs11:object=One',
    'pkcs11:object=one;id=%00',
  ]) {
    const expected = other.includes('module-') ? 'KEY_HELD_ELSEWHERE' : 'KEY_NOT_FOUND';
    expect((await refusal(async () => provider.open(other))).code).toBe(expected);
  }
});

test('impossible options, labels and schemes are refused', async () => {
  for (const maxSessions of [0, -1, 1.5, Number.NaN, 5000]) {
    expect((await refusal(async () => providerOn(module, { maxSessions }))).code).toBe('VALUE_OUT_OF_RANGE');
  }
  const provider = await providerOn(module);
  for (const label of ['\ud800', 'x'.repeat(256), 'a\0b']) {
    const error = await refusal(async () => provider.generate({ algorithm: 'p256', label, pin }));
    expect(error.code).toBe('VALUE_OUT_OF_RANGE');
  }
  const key = await provider.generate({ algorithm: 'p256', label: 'ec', pin });
  expect((await refusal(async () => key.sign('rsa-pss-sha256', pin))).code).toBe('SCHEME_NOT_SUPPORTED');
  const parameters = await refusal(async () => providerOn(module, { libraryParameters: 'x' }));
  expect(parameters.code).toBe('PROVIDER_NOT_AVAILABLE');
});
