import { expect, test } from 'vitest';
import {
  commands,
  executeCommand,
  listHandles,
  startAuthSession,
  type AuthSession,
  type CommandAuthorization,
  type SessionUse,
  type TpmCommand,
} from '../../src/session/index.ts';
import { TpmReader } from '../../src/session/wire/tpm-reader.ts';
import { TpmWriter } from '../../src/session/wire/tpm-writer.ts';
import { RecordingChannel } from './channels.ts';
import { makeSrk, owner, saltKeyOf } from './keys.ts';
import { refusal } from './refusal.ts';
import { Swtpm } from './swtpm.ts';

const empty = new Uint8Array();

test('a command that does not fit its layout is refused before it is sent, and its sessions go on', async () => {
  const tpm = new RecordingChannel(await Swtpm.start());
  const srk = await makeSrk(tpm);
  const first = await startAuthSession(tpm, 'hmac', { salt: saltKeyOf(srk) });
  const second = await startAuthSession(tpm, 'hmac', { salt: saltKeyOf(srk) });
  const password = { kind: 'password', authValue: empty } as const;
  const clear = { layout: commands.clear, handles: [owner], parameters: empty };
  const sign = { layout: commands.sign, handles: [srk], parameters: Uint8Array.of(0, 0) };
  const create = { layout: commands.create, handles: [srk], parameters: Uint8Array.of(0, 9, 1) };
  const wrong: readonly [TpmCommand, readonly CommandAuthorization[], string][] = [
    [{ ...clear, handles: [] }, [use(first)], 'VALUE_OUT_OF_RANGE'],
    [clear, [], 'VALUE_OUT_OF_RANGE'],
    [clear, [use(first), password], 'VALUE_OUT_OF_RANGE'],
    [clear, [password, password, password, password], 'VALUE_OUT_OF_RANGE'],
    [clear, [use(first, { decrypt: true })], 'VALUE_OUT_OF_RANGE'],
    [sign, [use(first, { encrypt: true })], 'VALUE_OUT_OF_RANGE'],
    [sign, [use(first, { decrypt: true }), use(second, { decrypt: true })], 'VALUE_OUT_OF_RANGE'],
    [sign, [use(first), use(first)], 'TPM_SESSION_NOT_USABLE'],
    // A first parameter shorter than its size says.
    [create, [use(first, { decrypt: true })], 'TPM_STRUCTURE_MALFORMED'],
  ];
  tpm.messages.length = 0;
  for (const [command, authorizations, code] of wrong) {
    expect((await refusal(async () => executeCommand(tpm, command, authorizations))).code).toBe(code);
    expect([first.usable, second.usable]).toEqual([true, true]);
  }
  expect(tpm.messages).toEqual([]);
  await first.close(tpm);
  await second.close(tpm);
  await second.close(tpm);
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

test('numbers that do not fit, and structures cut short or too long, are refused', async () => {
  for (const write of [
    () => new TpmWriter().u8(256),
    () => new TpmWriter().u16(-1),
    () => new TpmWriter().u32(2 ** 32),
    () => new TpmWriter().u32(0.5),
    () => new TpmWriter().sized(new Uint8Array(65536)),
  ]) {
    expect((await refusal(write)).code).toBe('VALUE_OUT_OF_RANGE');
  }
  const bytes = new TpmWriter().u8(1).u16(0x0203).u32(0xfffffffe).sized(Uint8Array.of(7, 8)).finish();
  const reader = new TpmReader(bytes, 'test');
  expect([reader.u8(), reader.u16(), reader.u32(), reader.sized()]).toEqual([
    1,
    0x0203,
    0xfffffffe,
    Uint8Array.of(7, 8),
  ]);
  reader.end();
  for (const read of [
    () => new TpmReader(bytes, 'test').end(),
    () => new TpmReader(bytes, 'test').bytes(bytes.length + 1),
    () => new TpmReader(Uint8Array.of(0, 3, 1, 2), 'test').sized(),
    () => new TpmReader(empty, 'test').u8(),
    () => new TpmReader(Uint8Array.of(1, 2, 3), 'test').u32(),
  ]) {
    expect((await refusal(read)).code).toBe('TPM_STRUCTURE_MALFORMED');
  }
});

function use(session: AuthSession, protection: Partial<SessionUse> = {}): SessionUse {
  const none = { continueSession: true, decrypt: false, encrypt: false, audit: false };
  return { kind: 'session', session, authValue: empty, ...none, ...protection };
}
