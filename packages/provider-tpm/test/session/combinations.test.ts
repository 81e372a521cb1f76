import { expect, test } from 'vitest';
import {
  commands,
  entityNamedByHandle,
  executeCommand,
  flushObject,
  listHandles,
  load,
  permanentHandles,
  SessionPool,
  startAuthSession,
  type AuthSession,
  type SessionOptions,
  type SessionUse,
  type TpmResult,
} from '../../src/session/index.ts';
import { TpmReader } from '../../src/session/wire/tpm-reader.ts';
import { TpmWriter } from '../../src/session/wire/tpm-writer.ts';
import { readSignature } from '../../src/session/commands/signatures.ts';
import { hmac, makeKey, makeSrk, saltKeyOf, utf8, type SrkKind } from './keys.ts';
import { refusal } from './refusal.ts';
import { Swtpm } from './swtpm.ts';
import { sha256, verifies } from './verify-signature.ts';

type Protection = { readonly decrypt: boolean; readonly encrypt: boolean };
const protections: readonly Protection[] = [
  { decrypt: false, encrypt: false },
  { decrypt: true, encrypt: false },
  { decrypt: false, encrypt: true },
  { decrypt: true, encrypt: true },
];
const ciphers = [
  { hash: 'sha256', symmetric: 'aes-128-cfb' },
  { hash: 'sha384', symmetric: 'aes-256-cfb' },
] as const;
/** Trailing zeros are no part of it. */
const pin = Uint8Array.of(...utf8('482913'), 0, 0);

const rows = (['unsalted', 'p256', 'rsa2048'] as const).flatMap((salt) =>
  (['unbound', 'bound'] as const).flatMap((bind) =>
    ciphers.map(({ hash, symmetric }) => ({ salt, bind, hash, symmetric })),
  ),
);

test.each(rows)('$salt, $bind, $hash, $symmetric: every protection of parameters', async (row) => {
  const tpm = await Swtpm.start();
  const kind: SrkKind = row.salt === 'rsa2048' ? 'rsa2048' : 'p256';
  const srk = await makeSrk(tpm, kind);
  const provisioning = new SessionPool(tpm, { salt: saltKeyOf(srk) });
  const key = await makeKey(provisioning, srk, pin);
  const options: SessionOptions = {
    salt: row.salt === 'unsalted' ? 'unsalted' : saltKeyOf(srk),
    hash: row.hash,
    symmetric: row.symmetric,
    ...(row.bind === 'bound' ? { bind: { ...key, authValue: pin } } : {}),
  };
  const session = await startAuthSession(tpm, 'hmac', options);
  const use = (authValue: Uint8Array, protection: Partial<SessionUse>): SessionUse => ({
    kind: 'session',
    session,
    authValue,
    continueSession: true,
    decrypt: false,
    encrypt: false,
    audit: false,
    ...protection,
  });
  const sign = async (protection: Partial<SessionUse>): Promise<TpmResult> => {
    const parameters = new TpmWriter()
      .sized(sha256(utf8('a message')))
      .u16(0x18)
      .u16(0x0b)
      .u16(0x8024)
      .u32(permanentHandles.null)
      .u16(0)
      .finish();
    return executeCommand(tpm, { layout: commands.sign, handles: [key], parameters }, [use(pin, protection)]);
  };
  for (const protection of protections) {
    // An object whose authValue the session may be bound to; both first parameters can be encrypted.
    const parameters = new TpmWriter().sized(utf8('a new PIN')).finish();
    const change = { layout: commands.objectChangeAuth, handles: [key, srk], parameters };
    const changed = await executeCommand(tpm, change, [use(pin, protection)]);
    const privateArea = new TpmReader(changed.parameters, 'response').sized();
    const reloaded = await load(provisioning, hmac(srk), { ...key.blobs, privateArea });
    expect(reloaded.name).toEqual(key.name);
    await flushObject(provisioning, reloaded.handle);
    // A command that the session authorizes nothing in.
    if (protection.encrypt) {
      const random = { layout: commands.getRandom, handles: [], parameters: Uint8Array.of(0, 16) };
      const { parameters: bytes } = await executeCommand(tpm, random, [
        use(new Uint8Array(), { encrypt: true }),
      ]);
      expect(bytes.length).toBe(18);
    }
    const { parameters: signature } = await sign({ decrypt: protection.decrypt });
    const reader = new TpmReader(signature, 'response');
    expect(verifies(key.publicArea, utf8('a message'), readSignature(reader))).toBe(true);
  }
  await sign({ audit: true });
  // The TPM forgot the binding, and so did the session.
  await sign({});
  await sign({ continueSession: false });
  expect((await refusal(async () => sign({}))).code).toBe('TPM_SESSION_NOT_USABLE');
  await provisioning.close();
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

test('a session without salt is refused unless it is asked for by name', async () => {
  const tpm = await Swtpm.start();
  const untyped: Readonly<Record<string, unknown>>[] = [
    {},
    { salt: undefined },
    { salt: '' },
    { salt: null },
  ];
  for (const options of untyped) {
    const start = async (): Promise<unknown> =>
      Reflect.apply(startAuthSession, undefined, [tpm, 'hmac', options]);
    expect((await refusal(start)).code).toBe('TPM_SESSION_NOT_SALTED');
  }
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

test('three sessions, each with its own part, in every order', async () => {
  const tpm = await Swtpm.start();
  const srk = await makeSrk(tpm);
  const provisioning = new SessionPool(tpm, { salt: saltKeyOf(srk) });
  const key = await makeKey(provisioning, srk, pin);
  await provisioning.close();
  const sessions: AuthSession[] = [];
  for (const hash of ['sha256', 'sha384', 'sha256'] as const) {
    sessions.push(await startAuthSession(tpm, 'hmac', { salt: saltKeyOf(srk), hash }));
  }
  const none = { decrypt: false, encrypt: false };
  for (const parts of [
    [none, { decrypt: true, encrypt: false }, { decrypt: false, encrypt: true }],
    [none, { decrypt: false, encrypt: true }, { decrypt: true, encrypt: false }],
    [
      { decrypt: true, encrypt: false },
      { decrypt: false, encrypt: true },
    ],
    [
      { decrypt: false, encrypt: true },
      { decrypt: true, encrypt: false },
    ],
    [none, { decrypt: true, encrypt: true }],
  ]) {
    const uses = parts.flatMap((part, index): SessionUse[] => {
      const session = sessions[index];
      const authValue = index === 0 ? pin : new Uint8Array();
      if (session === undefined) return [];
      return [{ kind: 'session', session, authValue, continueSession: true, audit: false, ...part }];
    });
    const parameters = new TpmWriter().sized(utf8('a new PIN')).finish();
    const change = { layout: commands.objectChangeAuth, handles: [key, srk], parameters };
    const { parameters: changed } = await executeCommand(tpm, change, uses);
    expect(new TpmReader(changed, 'response').sized().length).toBeGreaterThan(100);
  }
  for (const session of sessions) await session.close(tpm);
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
});

test('a password session is there for who asks for it by name, beside one that encrypts', async () => {
  const tpm = await Swtpm.start();
  const srk = await makeSrk(tpm);
  const pool = new SessionPool(tpm, { salt: saltKeyOf(srk) });
  const key = await makeKey(pool, srk, pin);
  const owner = entityNamedByHandle(permanentHandles.owner);
  const password = { kind: 'password', authValue: pin } as const;
  const parameters = new TpmWriter().sized(utf8('a new PIN')).finish();
  const change = { layout: commands.objectChangeAuth, handles: [key, srk], parameters };
  expect((await pool.execute(change, [password])).parameters.length).toBeGreaterThan(100);
  const evict = new TpmWriter().u32(0x81000005).finish();
  const ownerPassword = { kind: 'password', authValue: new Uint8Array() } as const;
  await pool.execute({ layout: commands.evictControl, handles: [owner, key], parameters: evict }, [
    ownerPassword,
  ]);
  expect(await listHandles(tpm, 'persistent')).toEqual([0x81000005]);
  await pool.close();
});
