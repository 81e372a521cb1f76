import {
  CountersignError,
  decodePemOrDer,
  type Directory,
  type KeyCredentialFields,
  PublicKey,
  type RegisteredKeyCredential,
} from '@countersign/core';
import { passwordSource, type BindPassword } from './bind-password.ts';
import { LdapSession } from './connection/ldap-session.ts';
import { readDomain, type Domain } from './domain.ts';
import { findUser, type UserName } from './find-user.ts';
import { addKeyCredential, removeKeyCredential } from './change-key-credentials.ts';
import { findKeyHolders, type KeyHolder } from './key-holders.ts';
import { parseLdapsUrl } from './ldaps-url.ts';
import type { LdapDirectoryUser } from './user-entry.ts';

export interface LdapDirectoryOptions {
  /** `ldaps://host` or `ldaps://host:port`; port 636 by default. The host as the server's certificate names it. */
  readonly url: string;
  /** Certificates of the CAs that may have issued the server's, each DER or PEM. No others are trusted. */
  readonly certificateAuthorities: readonly Uint8Array[];
  readonly bind: {
    /** Distinguished name; Active Directory takes a user principal name as well. */
    readonly name: string;
    readonly password: BindPassword;
  };
  /** For connecting, and for each answer; default 15 000. */
  readonly timeoutMs?: number;
  /** Users that are asked for at a time when all are looked through; default 500. */
  readonly pageSize?: number;
  /** Tells the time at which a key is registered; the system's clock by default. */
  readonly clock?: () => Date;
}

export type RegisterKeyOptions = Pick<KeyCredentialFields, 'deviceId' | 'customKeyInformation'>;

/**
 * An Active Directory domain, over LDAPS. A lost connection is opened again when it is needed. All methods fail with
 * `DIRECTORY_UNREACHABLE`, `CERTIFICATE_NOT_TRUSTED`, `DIRECTORY_REFUSED`, `DIRECTORY_REPLY_MALFORMED`; the ones that look
 * for a user also with `USER_AMBIGUOUS` if several have that name, `USER_MALFORMED` if the entry lacks what a user needs.
 */
export class LdapDirectory implements Directory, AsyncDisposable {
  readonly #session: LdapSession;
  readonly #domain: Domain;
  readonly #pageSize: number;
  readonly #clock: () => Date;

  private constructor(session: LdapSession, domain: Domain, options: LdapDirectoryOptions) {
    this.#session = session;
    this.#domain = domain;
    this.#pageSize = options.pageSize ?? 500;
    this.#clock = options.clock ?? (() => new Date());
  }

  /**
   * Connects, binds, and reads which domain it is.
   * @throws CountersignError as above, `VALUE_OUT_OF_RANGE`, `PEM_MALFORMED` for options that cannot be; `FILE_UNREADABLE`
   */
  static async open(options: LdapDirectoryOptions): Promise<LdapDirectory> {
    const endpoint = {
      ...parseLdapsUrl(options.url),
      certificateAuthorities: requireAuthorities(options.certificateAuthorities),
      timeoutMs: options.timeoutMs ?? 15_000,
    };
    const { name, password } = options.bind;
    requireName(name);
    const session = new LdapSession(endpoint, { name, password: passwordSource(password) });
    try {
      const domain = await session.run(readDomain);
      return new LdapDirectory(session, domain, options);
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Closes the connection and wipes the password. */
  async close(): Promise<void> {
    await this.#session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async findByUpn(upn: string): Promise<LdapDirectoryUser | undefined> {
    return this.#find({ by: 'upn', text: upn });
  }

  /** @param account `DOMAIN\name`, with the NetBIOS name of this domain; undefined for another domain's */
  async findByAccount(account: string): Promise<LdapDirectoryUser | undefined> {
    return this.#find({ by: 'account', text: account });
  }

  /** @param sid in string form; undefined for what is no SID */
  async findBySid(sid: string): Promise<LdapDirectoryUser | undefined> {
    return this.#find({ by: 'sid', text: sid });
  }

  /**
   * Everybody for whom a key is registered. Looks through all users that have any key, page by page: directories have no
   * index of keys.
   * @param keyId SHA-256 of the SubjectPublicKeyInfo, lower-case hex
   */
  async findKeyHolders(keyId: string): Promise<readonly KeyHolder[]> {
    return this.#session.run((connection) => findKeyHolders(connection, this.#domain, keyId, this.#pageSize));
  }

  /**
   * Registers a public key (SubjectPublicKeyInfo, DER) for the user. A key that this user has already is left as it is and
   * returned. Other values stay untouched, whoever else changes them meanwhile.
   * @throws CountersignError as above, `USER_NOT_FOUND`, `KEY_REGISTERED_TO_ANOTHER`, and what `PublicKey.parse` refuses
   */
  async registerKey(
    upn: string,
    publicKey: Uint8Array,
    options: RegisterKeyOptions = {},
  ): Promise<RegisteredKeyCredential> {
    const { keyId, subjectPublicKeyInfo } = PublicKey.parse(Uint8Array.from(publicKey));
    const registered = { keyId, publicKey: subjectPublicKeyInfo, registeredAt: this.#clock() };
    return this.#session.run(async (connection) => {
      const entry = required(upn, await findUser(connection, this.#domain, { by: 'upn', text: upn }));
      const holders = await findKeyHolders(connection, this.#domain, keyId, this.#pageSize);
      const other = holders.find((holder) => holder.sid !== entry.user.sid);
      if (other !== undefined) throw registeredToAnother(keyId, other);
      return addKeyCredential(connection, this.#domain, entry, registered, options);
    });
  }

  /**
   * Takes a key from the user; other values stay untouched.
   * @param keyId SHA-256 of the SubjectPublicKeyInfo, lower-case hex
   * @returns false if the user did not have the key
   * @throws CountersignError as above, `USER_NOT_FOUND`
   */
  async removeKey(upn: string, keyId: string): Promise<boolean> {
    return this.#session.run(async (connection) => {
      const entry = required(upn, await findUser(connection, this.#domain, { by: 'upn', text: upn }));
      return removeKeyCredential(connection, entry, keyId);
    });
  }

  async #find(name: UserName): Promise<LdapDirectoryUser | undefined> {
    return this.#session.run(async (connection) => (await findUser(connection, this.#domain, name))?.user);
  }
}

function requireAuthorities(files: readonly Uint8Array[]): readonly Uint8Array[] {
  if (files.length > 0) return files.map((file) => decodePemOrDer(file, ['CERTIFICATE']));
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    'no certificate of a CA is given: no directory server could be trusted',
    'Give the certificate of the CA that issued the certificate of the directory server.',
  );
}

/** RFC 4513 5.1.1: a bind without a name authenticates nobody. */
function requireName(name: string): void {
  if (name !== '') return;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    'the name to bind with is empty',
    'Give the distinguished name of the account with which the directory is to be opened.',
  );
}

function required<T>(upn: string, found: T | undefined): T {
  if (found !== undefined) return found;
  throw new CountersignError(
    'USER_NOT_FOUND',
    `the directory has no user ${JSON.stringify(upn)}`,
    'Check the user principal name; the account must have one in the directory (userPrincipalName).',
  );
}

function registeredToAnother(keyId: string, owner: KeyHolder): CountersignError {
  return new CountersignError(
    'KEY_REGISTERED_TO_ANOTHER',
    `the key ${keyId} is registered for ${owner.distinguishedName}`,
    'Generate a key pair for this user: a key stands for one person.',
  );
}
