import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { versionNotSupported } from './transport-errors.ts';

/** Where Linux shows its TPMs. */
export interface DeviceRoots {
  /** Default `/dev`. */
  readonly deviceDirectory?: string;
  /** Default `/sys/class/tpm`. */
  readonly sysfsDirectory?: string;
}

/** The devices to try, best first: the driver's resource manager shares the TPM, the plain device does not. */
export function localDevices({ deviceDirectory = '/dev' }: DeviceRoots): readonly string[] {
  return [join(deviceDirectory, 'tpmrm0'), join(deviceDirectory, 'tpm0')];
}

/**
 * Linux tells a TPM's version since 5.6; where it does not, the first response tells.
 * @throws CountersignError `TPM_VERSION_NOT_SUPPORTED`.
 */
export async function checkDeviceVersion(
  devicePath: string,
  { sysfsDirectory = '/sys/class/tpm' }: DeviceRoots,
): Promise<void> {
  const number = /^tpm(?:rm)?(?<number>[0-9]+)$/.exec(basename(devicePath))?.groups?.['number'];
  if (number === undefined) return;
  const path = join(sysfsDirectory, `tpm${number}`, 'tpm_version_major');
  let version: string;
  try {
    version = (await readFile(path, 'latin1')).trim();
  } catch {
    return;
  }
  if (version === '1') throw versionNotSupported(devicePath, `${path} says 1`);
}
