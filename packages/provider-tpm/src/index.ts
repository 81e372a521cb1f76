export { openTransport, type OpenTransportOptions } from './transport/open-transport.ts';
export { parseTransportUri, type TransportAddress } from './transport/transport-uri.ts';
export type { ExchangeOptions, TpmTransport } from './transport/tpm-transport.ts';
export type { SocketEndpoint } from './transport/socket-connection.ts';
export {
  createLinuxDeviceTransport,
  type DeviceHandle,
  type LinuxDeviceOptions,
} from './transport/linux-device-transport.ts';
export { createSwtpmTransport } from './transport/swtpm-transport.ts';
export { createSwtpmControl, type SwtpmControl } from './transport/swtpm-control.ts';
export { createMssimTransport, signalSimulator, type MssimOptions } from './transport/mssim-transport.ts';
export { createWindowsTbsTransport } from './transport/windows-tbs-transport.ts';

export { TpmCommandQueue, type RetryOptions } from './command/command-queue.ts';
export type { CommandChannel } from './command/run-command.ts';
export {
  decodeResponseCode,
  type ResponseCodeSubject,
  type TpmResponseCode,
} from './command/response-code.ts';
export { commandRefused, TpmRefusal } from './command/command-refused.ts';
export { commandName } from './command/command-name.ts';
export { startup, shutdown, type StartupType } from './command/start-up.ts';
export { getTestResult, selfTest, type TestResult } from './command/self-test.ts';
export {
  getAlgorithms,
  getCommands,
  getCurves,
  getHandles,
  getProperties,
  handleTypes,
  type AlgorithmCapability,
  type CommandCapability,
} from './command/get-capability.ts';
export { getRandom } from './command/get-random.ts';
export { readPublic, type ReadPublicResult } from './command/read-public.ts';
export { contextLoad, contextSave, flushContext } from './command/contexts.ts';
export { readClock, type TimeInfo } from './command/read-clock.ts';

export {
  nameOf,
  parsePublicArea,
  type EccPublicArea,
  type OtherPublicArea,
  type PublicArea,
  type RsaPublicArea,
} from './structures/public-area.ts';
export {
  parseAttest,
  type Attest,
  type Attested,
  type ClockInfo,
  type PcrBank,
} from './structures/attest.ts';
export { parseSignature, type TpmSignature } from './structures/signature.ts';
export { encodeSavedContext, parseSavedContext, type SavedContext } from './structures/saved-context.ts';

export { createTpmProvider, type TpmProvider, type TpmProviderOptions } from './provider/tpm-provider.ts';
export { formatTpmUri, parseTpmUri, type TpmUri } from './keys/tpm-uri.ts';
export type { SignedAttestation } from './attestation/index.ts';
export type { PcrSelection } from './session/index.ts';

export { canRunSoftwareTpm, startSoftwareTpm, type SoftwareTpm } from './software-tpm.ts';
export {
  createTpmInspection,
  type TpmInspection,
  type TpmInspectionOptions,
} from './inspection/tpm-inspection.ts';
export type { InspectionHoldings } from './inspection/inspection-connection.ts';
