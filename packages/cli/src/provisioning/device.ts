import { join } from 'node:path';
import { CountersignError, type Key } from '@countersign/core';
import type { DeviceRegistry, RegisteredDevice } from '@countersign/hello/identity';
import {
  ensurePrivateDirectory,
  JsonObject,
  parseJsonDocument,
  readFileIfExists,
  writeFileAtomic,
} from '@countersign/state';
import {
  portableRef,
  unlockServiceKey,
  withNewServiceKey,
  withServiceKey,
} from '../authorities/service-key.ts';

/** This machine as the organization knows it: its identity, and the key that proves it. */
export interface Device {
  readonly deviceId: string;
  /** Unlocked. */
  readonly key: Key;
}

/** Joins this machine to the organization: makes its key, unless there is one, and registers that. */
export async function joinDevice(stateDirectory: string, devices: DeviceRegistry): Promise<RegisteredDevice> {
  const folder = deviceFolder(stateDirectory);
  await ensurePrivateDirectory(folder);
  const known = await readDevice(folder);
  if (known !== undefined) {
    return withServiceKey(folder, known.keyRef, async ({ publicKey }) => {
      const device = await devices.join(publicKey);
      await writeDevice(folder, device.deviceId, known.keyRef);
      return device;
    });
  }
  const spec = { algorithm: 'p256', label: 'device' } as const;
  return withNewServiceKey(folder, 'memory:', spec, { random: true }, async (key) => {
    const device = await devices.join(key.publicKey);
    await writeDevice(folder, device.deviceId, portableRef(folder, key.ref, 'memory:'));
    return device;
  });
}

export async function isJoined(stateDirectory: string): Promise<boolean> {
  return (await readDevice(deviceFolder(stateDirectory))) !== undefined;
}

/** @throws CountersignError `STATE_MISSING` if this machine was not joined */
export async function withDevice<T>(stateDirectory: string, use: (device: Device) => Promise<T>): Promise<T> {
  const folder = deviceFolder(stateDirectory);
  const found = await readDevice(folder);
  if (found === undefined) throw notJoined(stateDirectory);
  return withServiceKey(folder, found.keyRef, async (key) => {
    await unlockServiceKey(folder, 'the device', key, {});
    return use({ deviceId: found.deviceId, key });
  });
}

function deviceFolder(stateDirectory: string): string {
  return join(stateDirectory, 'device');
}

async function writeDevice(folder: string, deviceId: string, keyRef: string): Promise<void> {
  const document = { format: 'countersign-device', version: 1, deviceId, keyRef };
  await writeFileAtomic(join(folder, 'device.json'), `${JSON.stringify(document, null, 1)}\n`);
}

async function readDevice(
  folder: string,
): Promise<{ readonly deviceId: string; readonly keyRef: string } | undefined> {
  const path = join(folder, 'device.json');
  const bytes = await readFileIfExists(path);
  if (bytes === undefined) return undefined;
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-device']);
  document.integer('version', { min: 1, max: 1 });
  const device = { deviceId: document.string('deviceId'), keyRef: document.string('keyRef') };
  document.end();
  return device;
}

function notJoined(stateDirectory: string): CountersignError {
  return new CountersignError(
    'STATE_MISSING',
    `the device with its state in ${stateDirectory} was not joined to an organization`,
    'Join it: countersign site join --dir SITE --config FILE',
  );
}
