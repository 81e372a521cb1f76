import {
  createPkcs11Provider,
  formatPkcs11Uri,
  initializeToken,
  parsePkcs11Uri,
} from '@countersign/provider-pkcs11';
import { beforeAll, expect, test } from 'vitest';
import { nssSoftokn, providerOn, softHsm, userPin, utf8, type ModuleUnderTest } from './module-under-test.ts';
import { refusal } from './refusal.ts';
import { verifies } from './verifies.ts';

const pins = { securityOfficerPin: utf8('12345678'), userPin: utf8(userPin) };
let module: ModuleUnderTest;
let uri: string;

beforeAll(async () => {
  module = await softHsm();
  uri = formatPkcs11Uri({ modulePath: module.modulePath });
});

test('a blank token gets a label and both PINs, and makes keys at once', async () => {
  const made = await initializeToken({ uri, label: 'künftig', ...pins });
  expect(parsePkcs11Uri(made)).toMatchObject({ token: 'künftig' });
  const provider = await createPkcs11Provider({ uri: made });
  try {
    expect(
      (await refusal(async () => provider.generate({ algorithm: 'p256', pin: utf8('wrong') }))).code,
    ).toBe('PIN_INCORRECT');
    const key = await provider.generate({ algorithm: 'p256', pin: pins.userPin });
    expect(
      verifies('ecdsa-sha256', key.publicKey, pins.userPin, await key.sign('ecdsa-sha256', pins.userPin)),
    ).toBe(true);
  } finally {
    await provider.close();
  }
});

test('two tokens may have one label: their serial numbers tell them apart', async () => {
  const [first, second] = [
    await initializeToken({ uri, label: 'twin', ...pins }),
    await initializeToken({ uri, label: 'twin', ...pins }),
  ];
  expect(first).not.toBe(second);
});

test('a token that holds something is left alone', async () => {
  const provider = await providerOn(module);
  const key = await provider.generate({ algorithm: 'p256', label: 'precious', pin: pins.userPin });
  const named = formatPkcs11Uri({ token: module.tokenLabel, modulePath: module.modulePath });
  const error = await refusal(async () => initializeToken({ uri: named, label: 'new', ...pins }));
  expect(error.code).toBe('TOKEN_NOT_PRESENT');
  expect(error.message).toContain('first');
  expect((await provider.open(key.ref)).label).toBe('precious');
});

test('a module whose tokens are never blank says so', async () => {
  const nss = await nssSoftokn();
  const error = await refusal(async () =>
    initializeToken({
      uri: formatPkcs11Uri({ modulePath: nss.modulePath }),
      label: 'new',
      ...(nss.libraryParameters === undefined ? {} : { libraryParameters: nss.libraryParameters }),
      ...pins,
    }),
  );
  expect(error.code).toBe('TOKEN_NOT_PRESENT');
});

test.each([
  ['VALUE_OUT_OF_RANGE', { label: '' }],
  ['VALUE_OUT_OF_RANGE', { label: 'ü'.repeat(17) }],
  ['PIN_INVALID', { userPin: utf8('123') }],
  ['PIN_INVALID', { securityOfficerPin: utf8('1') }],
  ['PIN_INVALID', { userPin: Uint8Array.of(0xff, 0xff, 0xff, 0xff) }],
])('%s for %j, and the token stays blank', async (code, wrong) => {
  const error = await refusal(async () => initializeToken({ uri, label: 'never', ...pins, ...wrong }));
  expect(error.code).toBe(code);
  expect(error.message).not.toContain('123');
  const provider = await createPkcs11Provider({
    uri: formatPkcs11Uri({ token: 'never', modulePath: module.modulePath }),
  });
  expect((await refusal(async () => provider.generate({ algorithm: 'p256', pin: pins.userPin }))).code).toBe(
    'TOKEN_NOT_PRESENT',
  );
  await provider.close();
});
