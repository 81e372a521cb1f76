import { CountersignError } from '@countersign/core';
import { createLinuxDeviceTransport, type LinuxDeviceOptions } from './linux-device-transport.ts';
import { checkDeviceVersion, localDevices, type DeviceRoots } from './local-devices.ts';
import { createMssimTransport } from './mssim-transport.ts';
import { createSwtpmTransport } from './swtpm-transport.ts';
import { deviceBusy } from './transport-errors.ts';
import { parseTransportUri, type TransportAddress } from './transport-uri.ts';
import type { TpmTransport } from './tpm-transport.ts';
import { createWindowsTbsTransport } from './windows-tbs-transport.ts';

export interface OpenTransportOptions extends LinuxDeviceOptions, DeviceRoots {
  /** How long a TPM may take to answer at all before it counts as taken by somebody else; default 10,000. */
  readonly probeTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Opens the way to a TPM 2.0 and proves, by asking for its family, that one answers there.
 * @param uri as `parseTransportUri` reads it.
 * @throws CountersignError `KEY_REFERENCE_MALFORMED`, `TPM_NOT_FOUND`, `TPM_NOT_PERMITTED`, `TPM_BUSY`,
 *   `TPM_VERSION_NOT_SUPPORTED`, `TPM_UNREACHABLE`, `TPM_REPLY_MALFORMED`, `TPM_CANCELLED`.
 */
export async function openTransport(uri: string, options: OpenTransportOptions = {}): Promise<TpmTransport> {
  const address = parseTransportUri(uri);
  if (address.kind === 'local' && process.platform !== 'win32') return openLocal(options);
  return openProbed(address, options);
}

/** The first device that can be used; if none can, what stands in the way of the first that is there. */
async function openLocal(options: OpenTransportOptions): Promise<TpmTransport> {
  const failures: CountersignError[] = [];
  for (const path of localDevices(options)) {
    try {
      return await openProbed({ kind: 'device', path }, options);
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      failures.push(error);
    }
  }
  throw failures.find(({ code }) => code !== 'TPM_NOT_FOUND') ?? noLocalDevice(options, failures);
}

async function openProbed(address: TransportAddress, options: OpenTransportOptions): Promise<TpmTransport> {
  if (address.kind === 'device') await checkDeviceVersion(address.path, options);
  const transport = createTransport(address, options);
  try {
    await probe(transport, options);
    return transport;
  } catch (error) {
    // Not awaited: a device that does not answer is let go only when its driver gives up.
    void transport.close();
    throw error;
  }
}

function createTransport(address: TransportAddress, options: OpenTransportOptions): TpmTransport {
  switch (address.kind) {
    case 'device':
      return createLinuxDeviceTransport(address.path, options);
    case 'swtpm':
      return createSwtpmTransport(address.endpoint);
    case 'mssim':
      return createMssimTransport(address);
    case 'local':
    case 'tbs':
      return createWindowsTbsTransport();
    default:
      return address satisfies never;
  }
}

/** TPM2_GetCapability of TPM_PT_FAMILY_INDICATOR: a TPM answers it before it is started, and when it has failed. */
const askFamily = Buffer.from('8001000000160000017a000000060000010000000001', 'hex');
const defaultProbeTimeoutMs = 10_000;

async function probe(transport: TpmTransport, options: OpenTransportOptions): Promise<void> {
  const { signal, probeTimeoutMs: timeoutMs = defaultProbeTimeoutMs } = options;
  try {
    await transport.exchange(askFamily, { timeoutMs, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== 'TPM_TIMEOUT') throw error;
    throw deviceBusy(transport.description, `it is there, and answers nothing within ${timeoutMs} ms`, error);
  }
}

function noLocalDevice(roots: DeviceRoots, failures: readonly CountersignError[]): CountersignError {
  return new CountersignError(
    'TPM_NOT_FOUND',
    `this machine has no TPM that Linux knows of: there is neither ${localDevices(roots).join(' nor ')}`,
    'Switch the TPM on in the firmware set-up (it may be called PTT, fTPM or Security Device), or name a simulator with tpm:swtpm=<host>:<port>.',
    { cause: failures[0] },
  );
}
