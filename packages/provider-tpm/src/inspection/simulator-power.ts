import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CountersignError } from '@countersign/core';
import { signalSimulator } from '../transport/mssim-transport.ts';
import type { SocketEndpoint } from '../transport/socket-connection.ts';
import { createSwtpmControl } from '../transport/swtpm-control.ts';
import type { TransportAddress } from '../transport/transport-uri.ts';

/** Power of a TPM that is a simulator. */
export interface SimulatorPower {
  /** @throws CountersignError `PROVIDER_NOT_AVAILABLE` if nobody is there to switch it */
  assertReachable(): Promise<void>;
  /** Off and on. The TPM has to be shut down before, and wants TPM2_Startup afterwards. */
  cycle(): Promise<void>;
}

/**
 * @param control of swtpm; where it is not given, the places where swtpm's own tools look, and `startSoftwareTpm` puts it
 * @returns undefined for what is no simulator
 */
export function simulatorPower(
  address: TransportAddress,
  control: SocketEndpoint | undefined,
): SimulatorPower | undefined {
  switch (address.kind) {
    case 'swtpm':
      return swtpmPower(control ?? controlBeside(address.endpoint));
    case 'mssim':
      return {
        assertReachable: async () => Promise.resolve(),
        cycle: async () => signalSimulator(address.platform, ['powerOff'], AbortSignal.timeout(timeoutMs)),
      };
    case 'local':
    case 'device':
    case 'tbs':
      return undefined;
    default:
      return address satisfies never;
  }
}

const timeoutMs = 10_000;

function swtpmPower(endpoint: SocketEndpoint): SimulatorPower {
  const control = createSwtpmControl(endpoint);
  return {
    async assertReachable() {
      try {
        await control.capabilities({ timeoutMs });
      } catch (cause) {
        if (!(cause instanceof CountersignError)) throw cause;
        throw new CountersignError(
          'PROVIDER_NOT_AVAILABLE',
          `the control channel of swtpm is not reachable: ${cause.message}`,
          'Start swtpm with --ctrl, and name the address of its control channel.',
          { cause },
        );
      }
    },
    cycle: async () => control.init({ timeoutMs }),
  };
}

function controlBeside(endpoint: SocketEndpoint): SocketEndpoint {
  if (endpoint.kind === 'tcp') return { ...endpoint, port: endpoint.port + 1 };
  const beside = join(dirname(endpoint.path), 'control');
  const conventional = `${endpoint.path}.ctrl`;
  return { kind: 'unix', path: existsSync(conventional) || !existsSync(beside) ? conventional : beside };
}
