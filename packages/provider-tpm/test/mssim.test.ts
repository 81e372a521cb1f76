import {
  createMssimTransport,
  createSwtpmControl,
  getRandom,
  openTransport,
  signalSimulator,
  startup,
  TpmCommandQueue,
} from '@countersign/provider-tpm';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { refusal } from './refusal.ts';
import { startSimulator, type Simulator } from './simulator.ts';
import { startSwtpm, type Swtpm } from './start-swtpm.ts';
import { getRandomCommand } from './tpm-commands.ts';

let swtpm: Swtpm;
let simulator: Simulator;
let closeTpm: () => Promise<void>;
beforeAll(async () => {
  swtpm = await startSwtpm({ over: 'unix', started: false });
  const tpm = await openTransport(swtpm.uri);
  closeTpm = async () => tpm.close();
  simulator = await startSimulator(tpm, createSwtpmControl(swtpm.control));
});
afterAll(async () => {
  try {
    await simulator.stop();
    await closeTpm();
  } finally {
    await swtpm.stop();
  }
});

test('switches power and NV memory on, and carries commands', async () => {
  const queue = new TpmCommandQueue(await openTransport(`tpm:mssim=127.0.0.1:${simulator.command.port}`));
  onTestFinished(async () => queue.close());
  expect(simulator.signals.slice(0, 2)).toEqual([1, 11]);
  expect((await refusal(async () => getRandom(queue, 8))).message).toContain('TPM_RC_INITIALIZE');
  expect(await startup(queue, 'clear')).toBe('started');
  expect((await getRandom(queue, 100)).length).toBe(100);
  expect(new Set(simulator.localities)).toEqual(new Set([0]));
});

test('says the locality with each command', async () => {
  const transport = createMssimTransport({ ...simulator, locality: 3 });
  onTestFinished(async () => transport.close());
  await transport.exchange(getRandomCommand);
  expect(simulator.localities.at(-1)).toBe(3);
});

test('an acknowledgement that is not nought fails the command, and the next goes over a new connection', async () => {
  const transport = createMssimTransport(simulator);
  onTestFinished(async () => transport.close());
  simulator.acknowledgement = 7;
  const error = await refusal(async () => transport.exchange(getRandomCommand));
  simulator.acknowledgement = 0;
  expect(error.code).toBe('TPM_REPLY_MALFORMED');
  expect(error.message).toContain('its acknowledgement is 7');
  expect((await transport.exchange(getRandomCommand)).length).toBe(28);
});

test('signals the cancelling of commands', async () => {
  await signalSimulator(simulator.platform, ['cancelOn', 'cancelOff'], AbortSignal.timeout(60_000));
  expect(simulator.signals.filter((signal) => signal === 9 || signal === 10)).toEqual([9, 10]);
});

test('says which port cannot be reached', async () => {
  const gone = { kind: 'tcp', host: '127.0.0.1', port: 1 } as const;
  const withoutPlatform = createMssimTransport({ ...simulator, platform: gone });
  const error = await refusal(async () => withoutPlatform.exchange(getRandomCommand));
  expect(error.code).toBe('TPM_UNREACHABLE');
  expect(error.message).toContain('platform port');
});
