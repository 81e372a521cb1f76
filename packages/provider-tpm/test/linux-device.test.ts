import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createLinuxDeviceTransport, openTransport, type DeviceHandle } from '@countersign/provider-tpm';
import { expect, onTestFinished, test } from 'vitest';
import { refusal } from './refusal.ts';
import { startSwtpm } from './start-swtpm.ts';
import { getRandomCommand } from './tpm-commands.ts';

/** A pseudo-terminal in front of a swtpm of its own: a character device, opened and read as a TPM's is. */
async function startDevice(heldBackSeconds = 0): Promise<string> {
  const swtpm = await startSwtpm({ over: 'unix' });
  const script = fileURLToPath(new URL('pty_device.py', import.meta.url));
  if (swtpm.endpoint.kind !== 'unix') throw new Error('swtpm does not listen on a UNIX socket');
  const bridge = spawn('python3', [script, swtpm.endpoint.path, String(heldBackSeconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    const gone = once(bridge, 'exit');
    bridge.kill('SIGKILL');
    await gone;
    await swtpm.stop();
  });
  const line: unknown[] = await once(bridge.stdout, 'data');
  return String(line[0]).trim();
}

test('a character device carries commands and responses', async () => {
  const path = await startDevice();
  const transport = await openTransport(`tpm:device=${path}`);
  onTestFinished(async () => transport.close());
  expect(transport.description).toBe(path);
  for (let sent = 0; sent < 20; sent += 1) {
    expect((await transport.exchange(getRandomCommand)).length).toBe(28);
  }
});

test('a device that answers nothing in time is busy', async () => {
  const path = await startDevice(0.5);
  const error = await refusal(async () => openTransport(`tpm:device=${path}`, { probeTimeoutMs: 50 }));
  expect(error.code).toBe('TPM_BUSY');
});

/** A driver whose writes wait until they are let go, as a TPM at work does. */
class SlowDriver {
  opened = 0;
  closed = 0;
  calls = 0;
  mostCalls = 0;
  letGo: () => void = () => {};
  response: Buffer = Buffer.from('80010000000a00000000', 'hex');
  hold: Promise<void> | undefined;

  holdNext(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.hold = promise;
    this.letGo = resolve;
  }

  async open(): Promise<DeviceHandle> {
    this.opened += 1;
    let unread = Buffer.alloc(0);
    return {
      write: async (_buffer, _offset, length) =>
        this.#call(async () => {
          const { hold } = this;
          this.hold = undefined;
          await hold;
          unread = Buffer.from(this.response);
          return { bytesWritten: length };
        }),
      read: async (buffer, offset, length) =>
        this.#call(async () => {
          const bytesRead = unread.copy(buffer, offset, 0, Math.min(length, 7));
          unread = unread.subarray(bytesRead);
          return { bytesRead };
        }),
      close: async () =>
        this.#call(async () => {
          this.closed += 1;
        }),
    };
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    this.calls += 1;
    this.mostCalls = Math.max(this.mostCalls, this.calls);
    try {
      return await work();
    } finally {
      this.calls -= 1;
    }
  }
}

test('a time-out takes one thread, not one for each later command, and the late response goes with its file', async () => {
  const driver = new SlowDriver();
  const transport = createLinuxDeviceTransport('/dev/tpmrm0', { open: async () => driver.open() });
  await transport.exchange(getRandomCommand);
  driver.holdNext();
  driver.response = Buffer.from('80010000000a00000922', 'hex');
  for (let late = 0; late < 5; late += 1) {
    const error = await refusal(async () => transport.exchange(getRandomCommand, { timeoutMs: 10 }));
    expect(error.code).toBe('TPM_TIMEOUT');
  }
  expect(driver).toMatchObject({ opened: 1, closed: 0, calls: 1, mostCalls: 1 });
  const next = transport.exchange(getRandomCommand);
  driver.letGo();
  driver.response = Buffer.from('80010000000a00000101', 'hex');
  expect(Buffer.from(await next).toString('hex')).toBe('80010000000a00000101');
  expect(driver).toMatchObject({ opened: 2, closed: 1, mostCalls: 1 });
  await transport.close();
  expect(driver).toMatchObject({ opened: 2, closed: 2, calls: 0 });
});

test('a device that opens too late is closed again', async () => {
  const driver = new SlowDriver();
  const { promise: hold, resolve: letGo } = Promise.withResolvers<void>();
  const transport = createLinuxDeviceTransport('/dev/tpm0', {
    open: async () => {
      await hold;
      return driver.open();
    },
  });
  const error = await refusal(async () => transport.exchange(getRandomCommand, { timeoutMs: 10 }));
  expect(error.code).toBe('TPM_TIMEOUT');
  letGo();
  await expect.poll(() => driver.closed).toBe(1);
  await transport.close();
});

test('a response that ends early, or is none, is refused', async () => {
  const driver = new SlowDriver();
  const transport = createLinuxDeviceTransport('/dev/tpm0', { open: async () => driver.open() });
  for (const response of [
    '',
    '8001',
    '80010000000b00000000',
    '80010000000a0000000000',
    '00000000000a00000000',
  ]) {
    driver.response = Buffer.from(response, 'hex');
    expect((await refusal(async () => transport.exchange(getRandomCommand))).code).toBe(
      'TPM_REPLY_MALFORMED',
    );
  }
  expect(driver.opened).toBe(5);
  expect(driver.closed).toBeGreaterThanOrEqual(4);
  await transport.close();
  expect(driver.closed).toBe(5);
});

test('what is no TPM is told apart from what is not there', async () => {
  const regular = fileURLToPath(import.meta.url);
  const transport = createLinuxDeviceTransport('/dev/null', { open: async () => open('/dev/null', 'r+') });
  expect((await refusal(async () => transport.exchange(getRandomCommand))).code).toBe('TPM_REPLY_MALFORMED');
  await transport.close();
  const missing = createLinuxDeviceTransport(`${regular}.missing`);
  expect((await refusal(async () => missing.exchange(getRandomCommand))).code).toBe('TPM_NOT_FOUND');
});
