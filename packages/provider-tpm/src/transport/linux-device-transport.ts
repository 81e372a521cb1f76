import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { CountersignError } from '@countersign/core';
import { unlessAborted } from './exchange-limit.ts';
import { headerLength, maxMessageLength, responseLength, wholeResponse } from './message-frame.ts';
import { ReconnectingTransport, type TpmConnection } from './reconnecting-transport.ts';
import { deviceBusy, malformedReply, unreachable } from './transport-errors.ts';
import type { TpmTransport } from './tpm-transport.ts';

/** What of a `FileHandle` is used; `position` is null throughout, since the device cannot seek. */
export interface DeviceHandle {
  write(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: null,
  ): Promise<{ readonly bytesWritten: number }>;
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: null,
  ): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

export interface LinuxDeviceOptions {
  /** How the device is opened, for reading and writing; default by `node:fs`. */
  readonly open?: (path: string) => Promise<DeviceHandle>;
}

/**
 * A TPM character device of Linux: `/dev/tpmrm0` (shared, each open file with objects and sessions of its own) or
 * `/dev/tpm0` (one program at a time).
 *
 * The driver carries a command out inside `write`, and offers no way to cancel it on a TPM 2.0; a file opened with
 * O_NONBLOCK moves the wait into `read` or `poll`, which then wait for a lock just the same. So a command under way
 * occupies one thread of libuv's pool until the driver's own limit (at most five minutes), and nothing can free that
 * thread earlier. What is made sure of: it is one thread per transport. After a time-out the next command waits, within
 * its own limit, until the driver has let go; the file is then closed and opened anew, so that the late response goes
 * with the file that it belongs to.
 */
export function createLinuxDeviceTransport(path: string, options: LinuxDeviceOptions = {}): TpmTransport {
  const openDevice = options.open ?? openForCommands;
  return new ReconnectingTransport(path, async (limit) => {
    const opening = openDevice(path);
    try {
      return new DeviceConnection(await unlessAborted(opening, limit), path);
    } catch (error) {
      if (limit.aborted) closeLate(opening);
      throw openFailure(path, error);
    }
  });
}

async function openForCommands(path: string): Promise<DeviceHandle> {
  return open(path, constants.O_RDWR);
}

/** An open that was given up on may still succeed, and must not leave the device taken. */
function closeLate(opening: Promise<DeviceHandle>): void {
  void Promise.allSettled([opening.then(async (handle) => handle.close())]);
}

class DeviceConnection implements TpmConnection {
  readonly #handle: DeviceHandle;
  readonly #description: string;
  #underWay: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(handle: DeviceHandle, description: string) {
    this.#handle = handle;
    this.#description = description;
  }

  get usable(): boolean {
    return this.#closing === undefined;
  }

  async exchange(command: Uint8Array): Promise<Uint8Array> {
    const work = this.#exchange(command);
    this.#underWay = work;
    return work;
  }

  /** `close` waits in the driver for a command under way, so it follows that command rather than take a second thread. */
  async abandon(): Promise<void> {
    this.#closing ??= this.#closeAfter(this.#underWay);
    return this.#closing;
  }

  async end(): Promise<void> {
    return this.abandon();
  }

  async #closeAfter(underWay: Promise<unknown>): Promise<void> {
    await Promise.allSettled([underWay]);
    await Promise.allSettled([this.#handle.close()]);
  }

  async #exchange(command: Uint8Array): Promise<Uint8Array> {
    try {
      const { bytesWritten } = await this.#handle.write(command, 0, command.length, null);
      if (bytesWritten !== command.length) {
        throw unreachable(
          this.#description,
          `it took ${bytesWritten} of the command's ${command.length} bytes`,
        );
      }
      return await this.#readResponse();
    } catch (error) {
      throw exchangeFailure(this.#description, error);
    }
  }

  /** One `read` gives the whole response; drivers since Linux 5.0 may also give it in pieces. */
  async #readResponse(): Promise<Uint8Array> {
    const buffer = new Uint8Array(maxMessageLength);
    let received = 0;
    while (received < headerLength || received < responseLength(buffer, this.#description)) {
      const { bytesRead } = await this.#handle.read(buffer, received, buffer.length - received, null);
      if (bytesRead === 0) {
        throw malformedReply(this.#description, `it was cut short after ${received} bytes`);
      }
      received += bytesRead;
    }
    return wholeResponse(buffer.subarray(0, received), this.#description);
  }
}

function openFailure(path: string, error: unknown): unknown {
  if (error instanceof CountersignError || !(error instanceof Error)) return error;
  switch (errnoOf(error)) {
    case 'ENOENT':
    case 'ENXIO':
    case 'ENODEV':
      return new CountersignError(
        'TPM_NOT_FOUND',
        `there is no TPM at ${path}`,
        'Switch the TPM on in the firmware set-up (it may be called PTT, fTPM or Security Device), or name another device.',
        { cause: error },
      );
    case 'EACCES':
    case 'EPERM':
      return new CountersignError(
        'TPM_NOT_PERMITTED',
        `this user may not open ${path}`,
        'Add the user to the group that owns the device (tss on most distributions), and log in again.',
        { cause: error },
      );
    case 'EBUSY':
      return deviceBusy(path, error.message, error);
    default:
      return unreachable(path, error.message, error);
  }
}

function exchangeFailure(description: string, error: unknown): unknown {
  if (error instanceof CountersignError || !(error instanceof Error)) return error;
  return errnoOf(error) === 'EBUSY'
    ? deviceBusy(description, error.message, error)
    : unreachable(description, error.message, error);
}

function errnoOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined;
}
