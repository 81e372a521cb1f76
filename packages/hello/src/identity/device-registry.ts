import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { CountersignError, PublicKey } from '@countersign/core';
import {
  ensurePrivateDirectory,
  JsonObject,
  parseJsonDocument,
  readFileIfExists,
  withLock,
  writeFileAtomic,
} from '@countersign/state';
import { isGuid } from '../tokens/index.ts';

/** A device that was joined to the organization. */
export interface RegisteredDevice {
  /** GUID, lower case. */
  readonly deviceId: string;
  /** Signs for the device; SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly registeredAt: Date;
}

/** The devices that the cloud directory knows, in `devices.json`. */
export class DeviceRegistry {
  readonly #directory: string;
  readonly #clock: () => Date;

  /** @param directory made if missing, readable by its owner alone */
  constructor(directory: string, { clock = () => new Date() }: { readonly clock?: () => Date } = {}) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /**
   * Joins a device; one whose key is known already keeps its identity.
   * @param publicKey SubjectPublicKeyInfo, DER
   * @throws CountersignError what `PublicKey.parse` throws, `STATE_DAMAGED`
   */
  async join(publicKey: Uint8Array): Promise<RegisteredDevice> {
    const { keyId } = PublicKey.parse(publicKey);
    return this.#change((devices) => {
      const known = devices.find((device) => PublicKey.parse(device.publicKey).keyId === keyId);
      if (known !== undefined) return { devices, result: known };
      const device = { deviceId: randomUUID(), publicKey, registeredAt: this.#clock() };
      return { devices: [...devices, device], result: device };
    });
  }

  /** Takes a device out of the organization. @returns whether it was in it */
  async leave(deviceId: string): Promise<boolean> {
    return this.#change((devices) => {
      const kept = devices.filter((device) => device.deviceId !== deviceId.toLowerCase());
      return { devices: kept, result: kept.length < devices.length };
    });
  }

  async find(deviceId: string): Promise<RegisteredDevice | undefined> {
    return (await this.#read()).find((device) => device.deviceId === deviceId.toLowerCase());
  }

  async #change<T>(
    change: (devices: readonly RegisteredDevice[]) => {
      readonly devices: readonly RegisteredDevice[];
      readonly result: T;
    },
  ): Promise<T> {
    await ensurePrivateDirectory(this.#directory);
    return withLock(join(this.#directory, 'devices.lock'), async () => {
      const { devices, result } = change(await this.#read());
      await writeFileAtomic(this.#path, format(devices));
      return result;
    });
  }

  async #read(): Promise<readonly RegisteredDevice[]> {
    const bytes = await readFileIfExists(this.#path);
    return bytes === undefined ? [] : parse(bytes, this.#path);
  }

  get #path(): string {
    return join(this.#directory, 'devices.json');
  }
}

function format(devices: readonly RegisteredDevice[]): string {
  const document = {
    format: 'countersign-devices',
    version: 1,
    devices: devices.map(({ deviceId, publicKey, registeredAt }) => ({
      deviceId,
      publicKey: Buffer.from(publicKey).toString('hex'),
      registeredAt: registeredAt.toISOString(),
    })),
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

function parse(bytes: Uint8Array, path: string): readonly RegisteredDevice[] {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-devices']);
  document.integer('version', { min: 1, max: 1 });
  const devices = document.objects('devices').map((object) => {
    const deviceId = object.string('deviceId');
    if (!isGuid(deviceId)) throw object.damaged('deviceId', 'a GUID was expected');
    const device = {
      deviceId,
      publicKey: object.bytesHex('publicKey'),
      registeredAt: object.date('registeredAt'),
    };
    object.end();
    return device;
  });
  document.end();
  return devices;
}

/** @throws CountersignError `TOKEN_REJECTED` for a device that nobody joined */
export function unknownDevice(deviceId: string): CountersignError {
  return new CountersignError(
    'TOKEN_REJECTED',
    `the directory has no device ${deviceId}`,
    'Join the device to the organization first.',
  );
}
