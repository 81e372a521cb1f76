/**
 * A way to one TPM: takes whole commands, gives whole responses (TPM 2.0 part 1, 18), one at a time.
 *
 * Every failure is a CountersignError, and after every failure the transport begins anew: the next command goes over a
 * new connection, so that the response to an abandoned command is never taken for the response to a later one.
 */
export interface TpmTransport {
  /** What stands at the other end, for messages: `swtpm at 127.0.0.1:2321`. */
  readonly description: string;
  /** Whether the connection was lost since the last command: the next one makes another, perhaps to a TPM that was reset. */
  readonly connectionLost?: boolean;
  /**
   * @param command header, handles, sessions and parameters as the TPM takes them; 10 to 4096 bytes.
   * @returns the response from its tag to its last byte, whatever its response code.
   * @throws CountersignError `TPM_UNREACHABLE`, `TPM_REPLY_MALFORMED`, `TPM_VERSION_NOT_SUPPORTED`, `TPM_TIMEOUT` or
   *   `TPM_CANCELLED` (the TPM may have carried the command out all the same), `TPM_BUSY` while another command is under
   *   way, `PROVIDER_CLOSED` after `close`, `VALUE_OUT_OF_RANGE` for a command whose header does not fit it.
   */
  exchange(command: Uint8Array, options?: ExchangeOptions): Promise<Uint8Array>;
  /** Has the next command go over a new connection, where there is such a thing. */
  reconnect?(): void;
  /** Ends a command under way with `PROVIDER_CLOSED` and releases the connection. Safe to call twice. */
  close(): Promise<void>;
}

export interface ExchangeOptions {
  /** How long the whole exchange may take, connecting included; default 300,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** As long as the Linux driver waits for the slowest command, the making of a key. */
export const defaultTimeoutMs = 300_000;
