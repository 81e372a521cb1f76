import type { TLSSocket } from 'node:tls';
import {
  type Message,
  MessageParser,
  type MessageResponse,
  ProtocolOperation,
  SearchEntry,
  SearchRequest,
  UnbindRequest,
} from 'ldapts';
import type { CountersignError } from '@countersign/core';
import { connectTls, type LdapsEndpoint } from './connect-tls.ts';
import { malformedReply, unreachable } from './directory-errors.ts';
import { MessageDefect, MessageFraming } from './message-framing.ts';

/** What came for one request: entries, of a search, and the answer that ended it. */
export interface LdapReply {
  readonly entries: readonly SearchEntry[];
  readonly answer: MessageResponse;
}

/**
 * One TLS connection to a directory, on which requests and answers are matched by number (RFC 4511 4.1.1.1). It never
 * opens itself anew: what was bound once stays bound until the connection ends. Messages are written and read by ldapts.
 */
export class LdapConnection {
  readonly #socket: TLSSocket;
  readonly #endpoint: LdapsEndpoint;
  readonly #framing = new MessageFraming();
  readonly #parser = new MessageParser();
  readonly #waiting = new Map<number, WaitingRequest>();
  #lastId = 0;
  #end: ConnectionEnd | undefined;

  private constructor(socket: TLSSocket, endpoint: LdapsEndpoint) {
    this.#socket = socket;
    this.#endpoint = endpoint;
    this.#parser.on('message', (message) => this.#take(message));
    this.#parser.on('error', (error) => this.#endAsMalformed(error));
    socket.on('data', (octets: Buffer) => this.#read(octets));
    socket.on('error', (error: Error) => this.#endAsCut(error.message, error));
    socket.on('close', () => this.#endAsCut('the connection was closed'));
    socket.on('end', () => this.#endAsCut('the server closed the connection'));
  }

  /** @throws CountersignError `DIRECTORY_UNREACHABLE`, `CERTIFICATE_NOT_TRUSTED` */
  static async open(endpoint: LdapsEndpoint): Promise<LdapConnection> {
    return new LdapConnection(await connectTls(endpoint), endpoint);
  }

  get url(): string {
    return this.#endpoint.url;
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** Whether the other side, or the network, ended it: then the request was perhaps never seen. */
  get wasCut(): boolean {
    return this.#end?.kind === 'cut';
  }

  /**
   * Sends a request, and waits for what ends it.
   * @param make makes the request with the number that it is given
   * @param expected the operation of the answer
   * @throws CountersignError `DIRECTORY_UNREACHABLE`, `DIRECTORY_REPLY_MALFORMED`; the connection is over then
   */
  async request(make: (messageId: number) => Message, expected: number): Promise<LdapReply> {
    if (this.#end !== undefined) throw this.#end.reason;
    this.#lastId += 1;
    const id = this.#lastId;
    const message = make(id);
    const { promise, resolve, reject } = Promise.withResolvers<LdapReply>();
    const { timeoutMs } = this.#endpoint;
    const timer = setTimeout(() => this.#endWith('timeout', this.#silence()), timeoutMs);
    this.#waiting.set(id, { message, expected, entries: [], timer, resolve, reject });
    const octets = message.write();
    this.#socket.write(octets, () => octets.fill(0)); // it may hold a password
    return promise;
  }

  /** Says goodbye and closes. What still waits for an answer fails. */
  close(): void {
    if (this.#end !== undefined) return;
    this.#socket.write(new UnbindRequest({ messageId: this.#lastId + 1 }).write());
    this.#socket.end();
    this.#endWith('closed', unreachable(this.url, 'the directory was closed here'));
  }

  #silence(): CountersignError {
    return unreachable(this.url, `no answer came within ${this.#endpoint.timeoutMs} ms`);
  }

  #read(octets: Buffer): void {
    try {
      for (const message of this.#framing.read(octets)) {
        if (this.#end !== undefined) return;
        this.#parser.read(message, this.#requestsByNumber());
      }
    } catch (error) {
      if (!(error instanceof MessageDefect)) throw error;
      this.#endAsMalformed(error);
    }
  }

  /** What ldapts needs to read the controls of an answer. */
  #requestsByNumber(): Map<string, { message: Message }> {
    return new Map([...this.#waiting].map(([id, { message }]) => [String(id), { message }]));
  }

  #take(message: MessageResponse): void {
    const waiting = this.#waiting.get(message.messageId);
    if (waiting === undefined) {
      // RFC 4511 4.4.1: number 0 is notice that the server ends the connection.
      const problem = `an answer to number ${message.messageId}, which was not asked`;
      if (message.messageId === 0) this.#endAsCut(`the server gave notice: ${message.errorMessage}`);
      else this.#endAsMalformed(new MessageDefect(problem));
      return;
    }
    const isSearch = waiting.message instanceof SearchRequest;
    if (isSearch && message instanceof SearchEntry) waiting.entries.push(message);
    else if (isSearch && message.protocolOperation === ProtocolOperation.LDAP_RES_SEARCH_REF)
      return; // never followed
    else if (message.protocolOperation === waiting.expected) {
      this.#waiting.delete(message.messageId);
      clearTimeout(waiting.timer);
      waiting.resolve({ entries: waiting.entries, answer: message });
    } else {
      const found = message.protocolOperation.toString(16);
      this.#endAsMalformed(new MessageDefect(`an answer with the operation 0x${found}, which does not fit`));
    }
  }

  #endAsMalformed(error: Error): void {
    this.#endWith('malformed', malformedReply(this.url, error.message, error));
  }

  #endAsCut(problem: string, cause?: unknown): void {
    this.#endWith('cut', unreachable(this.url, problem, cause));
  }

  #endWith(kind: ConnectionEnd['kind'], reason: CountersignError): void {
    if (this.#end !== undefined) return;
    this.#end = { kind, reason };
    if (kind !== 'closed') this.#socket.destroy();
    for (const { timer, reject } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(reason);
    }
    this.#waiting.clear();
  }
}

interface WaitingRequest {
  readonly message: Message;
  readonly expected: number;
  readonly entries: SearchEntry[];
  readonly timer: NodeJS.Timeout;
  readonly resolve: (reply: LdapReply) => void;
  readonly reject: (reason: CountersignError) => void;
}

interface ConnectionEnd {
  readonly kind: 'closed' | 'cut' | 'timeout' | 'malformed';
  readonly reason: CountersignError;
}
