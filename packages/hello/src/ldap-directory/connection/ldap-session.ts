import type { LdapsEndpoint } from './connect-tls.ts';
import { unreachable } from './directory-errors.ts';
import { LdapConnection } from './ldap-connection.ts';
import { bind } from './ldap-operations.ts';

export interface BindCredentials {
  /** Distinguished name; Active Directory takes a user principal name as well. */
  readonly name: string;
  readonly password: PasswordSource;
}

export interface PasswordSource {
  /** Lends the password, UTF-8, for the time of `use`. */
  lend<T>(use: (password: Uint8Array) => Promise<T>): Promise<T>;
  /** Wipes what is held. */
  close(): void;
}

/** A bound connection to a directory, which is opened when it is needed and again when it was lost. */
export class LdapSession {
  readonly #endpoint: LdapsEndpoint;
  readonly #credentials: BindCredentials;
  #connection: Promise<LdapConnection> | undefined;
  #isClosed = false;

  constructor(endpoint: LdapsEndpoint, credentials: BindCredentials) {
    this.#endpoint = endpoint;
    this.#credentials = credentials;
  }

  get url(): string {
    return this.#endpoint.url;
  }

  /**
   * Does `work` on a bound connection, and once more on a new one if the connection that stood there turns out to be cut,
   * as servers do to idle ones. So `work` must be such that doing it twice is as good as once.
   */
  async run<T>(work: (connection: LdapConnection) => Promise<T>): Promise<T> {
    const stoodThere = this.#connection !== undefined;
    const connection = await this.#bound();
    try {
      return await work(connection);
    } catch (error) {
      if (!stoodThere || !connection.wasCut) throw error;
      return work(await this.#bound());
    }
  }

  /** Closes the connection and wipes the password; whatever is asked afterwards fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const connection = this.#connection;
    this.#connection = undefined;
    this.#credentials.password.close();
    // One that could not be opened needs no closing, and who asked for it was told.
    await connection?.then(
      (open) => open.close(),
      () => undefined,
    );
  }

  async #bound(): Promise<LdapConnection> {
    if (this.#isClosed) throw unreachable(this.url, 'the directory was closed here');
    const present = this.#connection;
    if (present !== undefined) {
      const connection = await present;
      if (connection.isOpen) return connection;
      if (this.#connection === present) this.#connection = undefined;
      return this.#bound();
    }
    const opening = this.#openAndBind();
    this.#connection = opening;
    try {
      return await opening;
    } catch (error) {
      if (this.#connection === opening) this.#connection = undefined;
      throw error;
    }
  }

  async #openAndBind(): Promise<LdapConnection> {
    const { name, password } = this.#credentials;
    return password.lend(async (octets) => {
      const connection = await LdapConnection.open(this.#endpoint);
      try {
        await bind(connection, name, octets);
        return connection;
      } catch (error) {
        connection.close();
        throw error;
      }
    });
  }
}
