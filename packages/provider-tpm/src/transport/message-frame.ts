import { CountersignError } from '@countersign/core';
import { malformedReply, versionNotSupported } from './transport-errors.ts';

/** Tag, size and code (TPM 2.0 part 1, 18.2). */
export const headerLength = 10;
/** The largest command or response that PC clients' TPMs and the Linux driver take. */
export const maxMessageLength = 4096;

/** @throws CountersignError `VALUE_OUT_OF_RANGE` if the size in the header is not the command's own, or out of bounds. */
export function checkCommand(command: Uint8Array): void {
  const { length } = command;
  if (length >= headerLength && length <= maxMessageLength && sizeField(command) === length) return;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `a TPM command has ${headerLength} to ${maxMessageLength} bytes and says so in its header; this one has ${length}` +
      (length < headerLength ? '' : ` and says ${sizeField(command)}`),
    'Set the commandSize field to the length of the whole command.',
  );
}

/**
 * The length of the response whose first ten bytes these are.
 * @throws CountersignError `TPM_REPLY_MALFORMED`, or `TPM_VERSION_NOT_SUPPORTED` if a TPM 1.2 speaks.
 */
export function responseLength(header: Uint8Array, description: string): number {
  const tag = view(header).getUint16(0);
  const size = sizeField(header);
  // TPM 2.0 part 2, 6.9: TPM_ST_RSP_COMMAND is how a TPM 1.2 answers a command whose tag it does not know.
  if (tag === 0x00c4) throw versionNotSupported(description, 'it answers as a TPM 1.2 does');
  if (tag !== 0x8001 && tag !== 0x8002) {
    throw malformedReply(description, `its tag is 0x${tag.toString(16).padStart(4, '0')}`);
  }
  if (size < headerLength || size > maxMessageLength) {
    throw malformedReply(
      description,
      `it says it has ${size} bytes, and ${headerLength} to ${maxMessageLength} are possible`,
    );
  }
  return size;
}

/**
 * A whole response that came in one piece, checked and copied.
 * @throws CountersignError as `responseLength`.
 */
export function wholeResponse(received: Uint8Array, description: string): Uint8Array {
  if (received.length < headerLength) {
    throw malformedReply(description, `it was cut short after ${received.length} bytes`);
  }
  const size = responseLength(received, description);
  if (received.length < size) {
    throw malformedReply(description, `it was cut short after ${received.length} of ${size} bytes`);
  }
  if (received.length > size) {
    throw malformedReply(description, `${received.length - size} bytes follow its ${size}`);
  }
  return Uint8Array.from(received);
}

function sizeField(message: Uint8Array): number {
  return view(message).getUint32(2);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
