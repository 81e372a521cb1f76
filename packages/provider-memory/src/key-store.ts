import type { SealedKey, StoredKey } from './stored-key.ts';

/** Where a provider keeps its keys: a directory, or this process alone. */
export interface KeyStore {
  /** The directory, or undefined if keys end with the process. */
  readonly directory: string | undefined;
  add(key: StoredKey): Promise<void>;
  find(id: string): Promise<StoredKey | undefined>;
  /** In order of their ids. */
  list(): Promise<readonly StoredKey[]>;
  /** Puts `after` in the place of `before`; refused with `STATE_LOCKED` if something else stands there by now. */
  replace(before: SealedKey, after: SealedKey): Promise<void>;
  /** Removes a key and the certificate beside it. `KEY_NOT_FOUND` if someone else was first. */
  remove(id: string): Promise<void>;
  putCertificate(id: string, certificate: Uint8Array): Promise<void>;
  findCertificate(id: string): Promise<Uint8Array | undefined>;
  removeCertificate(id: string): Promise<void>;
  close(): void;
}
