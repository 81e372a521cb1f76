import type { IncomingMessage } from 'node:http';
import { CountersignError } from '@countersign/core';

/**
 * How much of a body that is too long is still taken in, unkept: who hangs up on a sender takes away the answer that it has
 * not read yet.
 */
const maxDiscardedBytes = 1024 * 1024;

/** The whole body of a message. @throws CountersignError `INPUT_TOO_LARGE` if it is longer than it may be */
export async function readBody(message: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(message.headers['content-length'] ?? 0);
  if (announced > maxBytes + maxDiscardedBytes) throw tooLarge(maxBytes);
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of chunksOf(message)) {
    length += part.length;
    if (length <= maxBytes) parts.push(part);
    else if (length > maxBytes + maxDiscardedBytes) throw tooLarge(maxBytes);
  }
  if (length > maxBytes) throw tooLarge(maxBytes);
  return Uint8Array.from(Buffer.concat(parts));
}

/** Leaves the connection open when the reading stops early, so that there can still be an answer. */
function chunksOf(message: IncomingMessage): AsyncIterable<Uint8Array> {
  return message.iterator({ destroyOnReturn: false });
}

function tooLarge(maxBytes: number): CountersignError {
  return new CountersignError(
    'INPUT_TOO_LARGE',
    `the body of the HTTP message has more than ${maxBytes} octets, which are all that is accepted`,
    'Check that the right thing was sent to the right place.',
  );
}
