import { CountersignError } from '@countersign/core';
import { readFileBytes } from '@countersign/state';
import type { PasswordSource } from './connection/ldap-session.ts';

/** UTF-8: a copy is kept until the directory is closed. Or a file with nothing but the password, read for every bind. */
export type BindPassword = Uint8Array | { readonly file: string };

/** @throws CountersignError `DIRECTORY_REFUSED` for an empty password, at once or when the file is read */
export function passwordSource(password: BindPassword): PasswordSource {
  return password instanceof Uint8Array ? new HeldPassword(password) : new PasswordFile(password.file);
}

class HeldPassword implements PasswordSource {
  readonly #octets: Uint8Array;

  constructor(octets: Uint8Array) {
    requireNotEmpty(octets, 'the password');
    this.#octets = Uint8Array.from(octets);
  }

  async lend<T>(use: (password: Uint8Array) => Promise<T>): Promise<T> {
    return use(this.#octets);
  }

  close(): void {
    this.#octets.fill(0);
  }
}

class PasswordFile implements PasswordSource {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async lend<T>(use: (password: Uint8Array) => Promise<T>): Promise<T> {
    const octets = await readFileBytes(this.#path, { maxBytes: 4096 });
    try {
      const password = octets.subarray(0, endOfOneLine(octets, this.#path));
      requireNotEmpty(password, this.#path);
      return await use(password);
    } finally {
      octets.fill(0);
    }
  }

  close(): void {
    // Nothing is held between two binds.
  }
}

function endOfOneLine(octets: Uint8Array, path: string): number {
  const lineFeed = octets.indexOf(0x0a);
  if (lineFeed < 0) return octets.length;
  if (lineFeed < octets.length - 1) {
    throw new CountersignError(
      'FILE_UNREADABLE',
      `${path} has more than one line; expected the password and nothing else`,
      'Write the password alone into the file, and let only its owner read it (chmod 600).',
    );
  }
  return octets[lineFeed - 1] === 0x0d ? lineFeed - 1 : lineFeed;
}

/** RFC 4513 5.1.2: a bind with a name and no password succeeds, and authenticates nobody. */
function requireNotEmpty(octets: Uint8Array, what: string): void {
  if (octets.length > 0) return;
  throw new CountersignError(
    'DIRECTORY_REFUSED',
    `${what} is empty: a bind without one authenticates nobody (RFC 4513 5.1.2)`,
    'Give the password of the account with which the directory is to be opened.',
  );
}
