import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readFileIfExists, writeFileAtomic } from '@countersign/state';
import { readPinFile, pinFromEnvironment, withPin, type PinOptions } from '../terminal/pin.ts';

/**
 * The PIN of a service's key. A service must start without anybody at the keyboard, so unless its operator keeps the
 * PIN (`--pin-file` or COUNTERSIGN_PIN at init), a random one lies in the service's own directory, readable by its user
 * alone. It then protects against a lost copy of the key file and against nothing more; the README says so.
 */
export async function withNewServicePin<T>(
  directory: string,
  options: NewServicePin,
  use: (pin: Uint8Array) => Promise<T>,
): Promise<T> {
  const given = await givenPin(options);
  const pin = given ?? Buffer.from(randomBytes(24).toString('base64url'));
  try {
    if (given === undefined) await writeFileAtomic(join(directory, fileName), pin, { mode: 0o600 });
    return await use(pin);
  } finally {
    pin.fill(0);
  }
}

/** `random` for a service that no operator will start by hand. */
export type NewServicePin = PinOptions & { readonly random?: boolean };

/** Lends the PIN that the service was given at init. */
export async function withServicePin<T>(
  directory: string,
  purpose: string,
  options: PinOptions,
  use: (pin: Uint8Array) => Promise<T>,
): Promise<T> {
  const path = join(directory, fileName);
  const isKept = options.pinFile === undefined && (await readFileIfExists(path)) !== undefined;
  return withPin(purpose, isKept ? { pinFile: path } : options, use);
}

async function givenPin({ pinFile, random }: NewServicePin): Promise<Uint8Array | undefined> {
  if (pinFile !== undefined) return readPinFile(pinFile);
  return random === true ? undefined : pinFromEnvironment();
}

const fileName = 'service.pin';
