import { malformedReply } from './transport-errors.ts';
import type { SocketConnection } from './socket-connection.ts';

/** The interface commands of the TPM 2.0 reference simulator that are used here (ms-tpm-20-ref, TpmTcpProtocol.h). */
export const simulatorCommand = {
  powerOn: 1,
  powerOff: 2,
  sendCommand: 8,
  cancelOn: 9,
  cancelOff: 10,
  nvOn: 11,
  sessionEnd: 20,
} as const;

export type SimulatorSignal = Exclude<keyof typeof simulatorCommand, 'sendCommand' | 'sessionEnd'>;

/** Sends a command of the platform port and waits for its acknowledgement. */
export async function signalPlatform(
  socket: SocketConnection,
  description: string,
  signal: SimulatorSignal,
): Promise<void> {
  socket.write(uint32(simulatorCommand[signal]));
  await readAcknowledgement(socket, description);
}

/** Four bytes of nought end every answer. */
export async function readAcknowledgement(socket: SocketConnection, description: string): Promise<void> {
  const acknowledgement = await readUint32(socket);
  if (acknowledgement !== 0) {
    throw malformedReply(description, `its acknowledgement is ${acknowledgement}, and 0 was expected`);
  }
  socket.checkDrained();
}

export async function readUint32(socket: SocketConnection): Promise<number> {
  const bytes = await socket.read(4);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}

export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
