import {
  createSwtpmControl,
  createSwtpmTransport,
  getProperties,
  getRandom,
  openTransport,
  startup,
  TpmCommandQueue,
} from '@countersign/provider-tpm';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { refusal } from './refusal.ts';
import { startSwtpm, type Swtpm } from './start-swtpm.ts';
import { createPrimaryEcc, createPrimaryRsa, flushCommand, getRandomCommand } from './tpm-commands.ts';

describe.each(['tcp', 'unix'] as const)('swtpm over %s', (over) => {
  let swtpm: Swtpm;
  beforeAll(async () => {
    swtpm = await startSwtpm({ over });
  });
  afterAll(async () => swtpm.stop());

  async function open() {
    const transport = await openTransport(swtpm.uri);
    onTestFinished(async () => transport.close());
    return transport;
  }

  test('carries commands and responses', async () => {
    const transport = await open();
    expect(transport.description).toContain(swtpm.uri.split('=')[1]);
    const first = await transport.exchange(getRandomCommand);
    const second = await transport.exchange(getRandomCommand);
    expect(first.length).toBe(28);
    expect(second.length).toBe(28);
    expect(Buffer.compare(first, second)).not.toBe(0);
  });

  test('refuses commands whose header does not fit them, and goes on', async () => {
    const transport = await open();
    for (const length of [0, 9, 11, 13, 4097]) {
      const command = new Uint8Array(length);
      command.set(getRandomCommand.subarray(0, Math.min(length, 12)));
      expect((await refusal(async () => transport.exchange(command))).code).toBe('VALUE_OUT_OF_RANGE');
    }
    for (const timeoutMs of [0, -1, 1.5, NaN, 2 ** 31]) {
      const error = await refusal(async () => transport.exchange(getRandomCommand, { timeoutMs }));
      expect(error.code).toBe('VALUE_OUT_OF_RANGE');
    }
    expect((await transport.exchange(getRandomCommand)).length).toBe(28);
  });

  test('takes one command at a time', async () => {
    const transport = await open();
    const first = transport.exchange(getRandomCommand);
    expect((await refusal(async () => transport.exchange(getRandomCommand))).code).toBe('TPM_BUSY');
    expect((await first).length).toBe(28);
  });

  test('after a time-out and after a cancel the next command gets its own response', async () => {
    const transport = await open();
    const slow = createPrimaryRsa(Buffer.from(over));
    const late = await refusal(async () => transport.exchange(slow, { timeoutMs: 1 }));
    expect(late.code).toBe('TPM_TIMEOUT');
    expect((await transport.exchange(getRandomCommand)).length).toBe(28);

    const reason = new Error('the user left');
    const cancel = new AbortController();
    const taken = transport.exchange(createPrimaryRsa(Buffer.from('x')), { signal: cancel.signal });
    setImmediate(() => cancel.abort(reason));
    const error = await refusal(async () => taken);
    expect(error.code).toBe('TPM_CANCELLED');
    expect(error.cause).toBe(reason);
    expect((await transport.exchange(getRandomCommand)).length).toBe(28);
    const before = await refusal(async () =>
      transport.exchange(getRandomCommand, { signal: AbortSignal.abort(reason) }),
    );
    expect(before.code).toBe('TPM_CANCELLED');
    // Both keys were made, and nobody was told of their handles.
    await transport.exchange(flushCommand(0x8000_0000));
    await transport.exchange(flushCommand(0x8000_0001));
  });

  test('closing ends the command under way, and nothing goes afterwards', async () => {
    const transport = await open();
    const underWay = refusal(async () => transport.exchange(createPrimaryEcc()));
    await transport.close();
    await transport.close();
    expect((await underWay).code).toBe('PROVIDER_CLOSED');
    expect((await refusal(async () => transport.exchange(getRandomCommand))).code).toBe('PROVIDER_CLOSED');
    const next = await open();
    await next.exchange(flushCommand(0x8000_0000));
  });

  test('a second client is told that somebody else is served, and gets its turn when they leave', async () => {
    const first = await open();
    expect((await first.exchange(getRandomCommand)).length).toBe(28);
    const error = await refusal(async () => openTransport(swtpm.uri, { probeTimeoutMs: 200 }));
    expect(error.code).toBe('TPM_BUSY');
    expect(error.hint).toContain('end the other program');
    const patient = openTransport(swtpm.uri);
    expect((await first.exchange(getRandomCommand)).length).toBe(28);
    await first.close();
    const second = await patient;
    onTestFinished(async () => second.close());
    expect((await second.exchange(getRandomCommand)).length).toBe(28);
  });

  test('killed in mid-command it fails that command, and serves the next once it runs again', async () => {
    const transport = createSwtpmTransport(swtpm.endpoint);
    onTestFinished(async () => transport.close());
    await transport.exchange(getRandomCommand);
    const underWay = refusal(async () => transport.exchange(createPrimaryRsa(Buffer.from('killed'))));
    await new Promise((resolve) => setImmediate(resolve));
    await swtpm.kill();
    expect((await underWay).code).toBe('TPM_UNREACHABLE');
    expect((await refusal(async () => transport.exchange(getRandomCommand))).code).toBe('TPM_UNREACHABLE');
    await swtpm.restart();
    expect((await transport.exchange(getRandomCommand)).length).toBe(28);
    await swtpm.restart();
    // The peer left while nothing was under way: that costs no command.
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await transport.exchange(getRandomCommand)).length).toBe(28);
  });

  test('is steered over its control channel', async () => {
    const control = createSwtpmControl(swtpm.control);
    expect(await control.capabilities()).toBeGreaterThan(0xff);
    const queue = new TpmCommandQueue(await open());
    await control.cancelCommand();
    expect((await getRandom(queue, 8)).length).toBe(8);
    await control.init({ deleteVolatileState: true });
    expect((await refusal(async () => getRandom(queue, 8))).message).toContain('TPM_RC_INITIALIZE (0x100)');
    expect(await startup(queue, 'clear')).toBe('started');
    expect(await startup(queue, 'clear')).toBe('already-started');
    expect((await getProperties(queue)).get(0x100)).toBe(0x322e_3000);
    await control.stop();
    expect((await refusal(async () => getRandom(queue, 8))).message).toContain('TPM_RC_FAILURE');
    await control.shutdown();
    await swtpm.ended();
    expect((await refusal(async () => control.capabilities())).code).toBe('TPM_UNREACHABLE');
    await swtpm.restart();
  });
});
