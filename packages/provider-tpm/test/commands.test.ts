import {
  contextLoad,
  contextSave,
  decodeResponseCode,
  encodeSavedContext,
  flushContext,
  getAlgorithms,
  getCommands,
  getCurves,
  getHandles,
  getProperties,
  getRandom,
  getTestResult,
  nameOf,
  openTransport,
  parseSavedContext,
  readClock,
  readPublic,
  selfTest,
  shutdown,
  TpmCommandQueue,
} from '@countersign/provider-tpm';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startAuthSession } from '../src/session/index.ts';
import { refusal } from './refusal.ts';
import { startSwtpm, type Swtpm } from './start-swtpm.ts';
import { createPrimaryEcc, createPrimaryRsa } from './tpm-commands.ts';

const run = promisify(execFile);
let swtpm: Swtpm;
let queue: TpmCommandQueue;
beforeAll(async () => {
  swtpm = await startSwtpm();
  queue = new TpmCommandQueue(await openTransport(swtpm.uri));
});
afterAll(async () => {
  await queue.close();
  await swtpm.stop();
});
afterEach(async () => {
  for (const handle of await getHandles(queue, 'transient')) await flushContext(queue, handle);
});

/** The hexadecimal numbers at the end of lines. */
function numbers(lines: readonly string[] | null): readonly number[] | undefined {
  return lines?.map((line) => Number(/0x.*/.exec(line)?.[0]));
}

/** TPMS_TAGGED_PROPERTY with the value 1. */
function taggedProperty(number: number): string {
  return `${number.toString(16).padStart(8, '0')}00000001`;
}

async function create(command: Uint8Array): Promise<number> {
  const response = Buffer.from(await queue.exchange(command));
  expect(decodeResponseCode(response.readUInt32BE(6)).name).toBe('TPM_RC_SUCCESS');
  return response.readUInt32BE(10);
}

test('capabilities are those that tpm2-tools read', async () => {
  await queue.close();
  const endpoint = swtpm.endpoint;
  if (endpoint.kind !== 'tcp') throw new Error('tpm2-tools reach swtpm over TCP here');
  const tcti = `swtpm:host=${endpoint.host},port=${endpoint.port}`;
  const read = async (capability: string) => (await run('tpm2_getcap', ['-T', tcti, capability])).stdout;
  const theirs = {
    commands: (await read('commands')).match(/commandIndex:\s+0x[0-9a-f]+/gi),
    curves: (await read('ecc-curves')).match(/0x[0-9a-f]+/gi),
    algorithms: (await read('algorithms')).match(/value:\s+0x[0-9a-f]+/gi),
    properties: (await read('properties-fixed')).match(/raw:\s+0x[0-9a-f]+/gi),
  };
  queue = new TpmCommandQueue(await openTransport(swtpm.uri));
  const commands = await getCommands(queue);
  expect(commands.map(({ code }) => code)).toEqual(numbers(theirs.commands));
  expect(await getCurves(queue)).toEqual(numbers(theirs.curves));
  expect((await getAlgorithms(queue)).map(({ algorithm }) => algorithm)).toEqual(numbers(theirs.algorithms));
  const properties = await getProperties(queue);
  // They leave out what they show in another form, so theirs has to be found within ours, in order.
  const expected = numbers(theirs.properties) ?? [];
  let found = 0;
  for (const value of properties.values()) if (value === expected[found]) found += 1;
  expect(found).toBe(expected.length);
  expect(found).toBeGreaterThan(30);
  expect(commands.find(({ code }) => code === 0x15d)).toMatchObject({ handles: 1, returnsHandle: false });
  expect(commands.find(({ code }) => code === 0x165)).toMatchObject({ handles: 0 });
  expect(commands.find(({ code }) => code === 0x131)).toMatchObject({ handles: 1, returnsHandle: true });
});

test('a response that has more is followed by the next', async () => {
  const transport = await openTransportOfPages();
  const properties = await getProperties(transport);
  expect([...properties]).toEqual([...(await getProperties(queue))]);
});

/** The TPM, asked for three capabilities at a time. */
async function openTransportOfPages() {
  return {
    async exchange(command: Uint8Array): Promise<Uint8Array> {
      const few = Buffer.from(command);
      few.writeUInt32BE(3, 18);
      return queue.exchange(few);
    },
  };
}

test('capabilities that do not ascend, or come empty with more, are refused', async () => {
  for (const entries of [[], [0x100, 0x100], [0x101, 0x100], [0x10]]) {
    const body = `0100000006${entries.length.toString(16).padStart(8, '0')}${entries.map(taggedProperty).join('')}`;
    const response = Buffer.from(`80010000000000000000${body}`, 'hex');
    response.writeUInt32BE(response.length, 2);
    const error = await refusal(async () => getProperties({ exchange: async () => response }));
    expect(error.code).toBe('TPM_REPLY_MALFORMED');
  }
});

test('random bytes come in the number asked for', async () => {
  for (const length of [1, 64, 65, 1000]) expect((await getRandom(queue, length)).length).toBe(length);
  for (const length of [0, -1, 1.5, 0x1_0000]) {
    expect((await refusal(async () => getRandom(queue, length))).code).toBe('VALUE_OUT_OF_RANGE');
  }
});

test('public areas read with their names', async () => {
  const ecc = await readPublic(queue, await create(createPrimaryEcc()));
  expect(ecc.publicArea).toMatchObject({ kind: 'ecc', curve: 3, scheme: 0x10, attributes: 0x30472 });
  expect(ecc.name).toEqual(nameOf(ecc.publicArea));
  const rsa = await readPublic(queue, await create(createPrimaryRsa()));
  expect(rsa.publicArea).toMatchObject({ kind: 'rsa', keyBits: 2048, exponent: 65_537 });
  expect(rsa.publicArea.kind === 'rsa' ? rsa.publicArea.modulus.length : 0).toBe(256);
});

function tampered(tamper: (response: Buffer) => void) {
  return {
    async exchange(command: Uint8Array): Promise<Uint8Array> {
      const response = Buffer.from(await queue.exchange(command));
      tamper(response);
      return response;
    },
  };
}

function nameAt(readPublicResponse: Buffer): number {
  return 12 + readPublicResponse.readUInt16BE(10) + 2;
}

test('a name that is not that of the public area, and a tag of sessions, are refused', async () => {
  const handle = await create(createPrimaryEcc());
  for (const tamper of [
    (response: Buffer) =>
      response.writeUInt8(response.readUInt8(nameAt(response) + 5) ^ 1, nameAt(response) + 5),
    (response: Buffer) => response.writeUInt16BE(0x8002, 0),
  ]) {
    const error = await refusal(async () => readPublic(tampered(tamper), handle));
    expect(error.code).toBe('TPM_REPLY_MALFORMED');
  }
});

test('a handle that is not loaded is named', async () => {
  const error = await refusal(async () => readPublic(queue, 0x8000_0000));
  expect(error.code).toBe('TPM_REFUSED');
  expect(error.message).toContain(
    'TPM2_ReadPublic was refused with TPM_RC_REFERENCE_H0 (0x910) for handle 1',
  );
  const flushed = await refusal(async () => flushContext(queue, 0x8000_0000));
  expect(flushed.message).toContain(
    'TPM2_FlushContext was refused with TPM_RC_HANDLE (0x1CB) for parameter 1',
  );
});

test('an object saved, flushed and loaded again is the same, and a changed context is refused', async () => {
  const handle = await create(createPrimaryEcc());
  const { name } = await readPublic(queue, handle);
  const context = await contextSave(queue, handle);
  expect(context.sequence).toBeTypeOf('bigint');
  expect(parseSavedContext(encodeSavedContext(context))).toEqual(context);
  await flushContext(queue, handle);
  expect(await getHandles(queue, 'transient')).toEqual([]);
  const loaded = await contextLoad(queue, context);
  expect(await getHandles(queue, 'transient')).toEqual([loaded]);
  expect((await readPublic(queue, loaded)).name).toEqual(name);
  const changed = { ...context, sequence: context.sequence + (1n << 40n) };
  const error = await refusal(async () => contextLoad(queue, changed));
  expect(error.message).toContain('TPM_RC_INTEGRITY');
});

test('lists sessions of both kinds, which stand in one list', async () => {
  const options = { salt: 'unsalted' } as const;
  const sessions = [
    await startAuthSession(queue, 'policy', options),
    await startAuthSession(queue, 'hmac', options),
    await startAuthSession(queue, 'trial', options),
  ];
  const handles = sessions.map(({ handle }) => handle);
  expect(handles.map((handle) => handle >>> 24)).toEqual([3, 2, 3]);
  expect(await getHandles(queue, 'loadedSession')).toEqual(handles);
  for (const session of sessions) await session.close(queue);
  expect(await getHandles(queue, 'loadedSession')).toEqual([]);
});

test('the slots for objects run out with a code that says so', async () => {
  const errors: string[] = [];
  for (let made = 0; made < 4; made += 1) {
    const response = Buffer.from(await queue.exchange(createPrimaryEcc()));
    errors.push(decodeResponseCode(response.readUInt32BE(6)).name);
  }
  expect(errors).toEqual(['TPM_RC_SUCCESS', 'TPM_RC_SUCCESS', 'TPM_RC_SUCCESS', 'TPM_RC_OBJECT_MEMORY']);
});

test('tests itself, tells the time, and shuts down', async () => {
  await selfTest(queue, 'full');
  await selfTest(queue, 'rest');
  expect((await getTestResult(queue)).result.name).toBe('TPM_RC_SUCCESS');
  const before = await readClock(queue);
  const after = await readClock(queue);
  expect(after.time).toBeGreaterThanOrEqual(before.time);
  expect(after.clock).toBeGreaterThanOrEqual(before.clock);
  expect(after.resetCount).toBe(before.resetCount);
  await shutdown(queue, 'clear');
});
