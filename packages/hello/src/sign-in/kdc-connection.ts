import { connect, type Socket } from 'node:net';
import { CountersignError } from '@countersign/core';

/** Where a KDC listens for TCP. */
export interface KdcAddress {
  /** Host name or IP address. */
  readonly host: string;
  /** 88 if absent. */
  readonly port?: number;
}

/** Replies hold certificates and a ticket with its authorization data; none comes near this. */
const maxReplyBytes = 256 * 1024;

/**
 * Sends one message and takes one back, over TCP with a length of four octets in front (RFC 4120 7.2.2). A reply with
 * certificates in it does not fit into a datagram, so UDP is not tried.
 * @throws CountersignError `KDC_UNREACHABLE` if no connection or no reply came about, `KDC_REPLY_MALFORMED` if the reply
 *   is cut off or claims to be larger than 256 KiB
 */
export async function exchangeWithKdc(
  kdc: KdcAddress,
  message: Uint8Array,
  timeoutMs: number,
): Promise<Uint8Array> {
  const socket = connect({ host: kdc.host, port: kdc.port ?? 88 });
  const timer = setTimeout(() => {
    socket.destroy(unreachable(kdc, `gave no reply within ${timeoutMs} ms`));
  }, timeoutMs);
  try {
    socket.write(withLength(message));
    return await readReply(socket, new LengthPrefixedReply(kdc));
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    throw unreachable(kdc, `cannot be reached (${reasonOf(error)})`, error);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

async function readReply(socket: Socket, reply: LengthPrefixedReply): Promise<Uint8Array> {
  const chunks: AsyncIterable<unknown> = socket;
  for await (const chunk of chunks) {
    const whole = chunk instanceof Uint8Array ? reply.add(chunk) : undefined;
    if (whole !== undefined) return whole;
  }
  throw reply.endedEarly();
}

/** A host of several addresses fails with an error for each, and no words of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function withLength(message: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  return Buffer.concat([length, message]);
}

/** Collects a reply from the pieces that TCP makes of it. */
class LengthPrefixedReply {
  readonly #kdc: KdcAddress;
  #received = Buffer.alloc(0);

  constructor(kdc: KdcAddress) {
    this.#kdc = kdc;
  }

  /** @returns the reply once it is whole */
  add(chunk: Uint8Array): Uint8Array | undefined {
    this.#received = Buffer.concat([this.#received, chunk]);
    const expected = this.#expectedBytes();
    if (expected === undefined || this.#received.length < 4 + expected) return undefined;
    if (this.#received.length > 4 + expected) {
      throw malformed(`more than the ${expected} octets that it announced follow`);
    }
    return this.#received.subarray(4);
  }

  endedEarly(): CountersignError {
    const received = this.#received.length;
    if (received === 0) return unreachable(this.#kdc, 'closed the connection without a reply');
    const expected = this.#expectedBytes();
    return malformed(
      expected === undefined
        ? `it ends after ${received} of the four octets of its length`
        : `it ends after ${received - 4} of ${expected} octets`,
    );
  }

  #expectedBytes(): number | undefined {
    if (this.#received.length < 4) return undefined;
    const expected = this.#received.readUInt32BE();
    if (expected > maxReplyBytes) {
      throw malformed(`it announces ${expected} octets; at most ${maxReplyBytes} are accepted`);
    }
    return expected;
  }
}

function malformed(found: string): CountersignError {
  return new CountersignError(
    'KDC_REPLY_MALFORMED',
    `the reply is not one of a KDC: ${found}`,
    'Check that a KDC listens there, and that nothing on the way cuts connections off.',
  );
}

function unreachable({ host, port = 88 }: KdcAddress, found: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'KDC_UNREACHABLE',
    `the KDC ${host}, TCP port ${port}, ${found}`,
    'Check name and port of the KDC, and that the network lets TCP through to it.',
    { cause },
  );
}
