import { keyCredentialMalformed } from './key-credential-malformed.ts';

/** A cursor over the packed structures of a key credential. What runs out of octets is `KEY_CREDENTIAL_MALFORMED`. */
export class BlobReader {
  readonly #octets: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #position = 0;

  /** @param what name of the structure, for error messages */
  constructor(octets: Uint8Array, what: string) {
    this.#octets = octets;
    this.#view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    this.#what = what;
  }

  get done(): boolean {
    return this.#position === this.#octets.length;
  }

  get remaining(): number {
    return this.#octets.length - this.#position;
  }

  /** A view of the next octets. */
  take(count: number): Uint8Array {
    const start = this.#advance(count);
    return this.#octets.subarray(start, start + count);
  }

  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16le(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32le(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  u64le(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  u16be(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32be(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  /** @throws CountersignError `KEY_CREDENTIAL_MALFORMED` if anything is left */
  end(): void {
    if (!this.done) throw keyCredentialMalformed(`${this.remaining} octets follow the ${this.#what}`);
  }

  #advance(count: number): number {
    if (count > this.remaining) {
      throw keyCredentialMalformed(
        `the ${this.#what} ends after ${this.#octets.length} octets, ${count - this.remaining} too few`,
      );
    }
    const start = this.#position;
    this.#position += count;
    return start;
  }
}
