import { CountersignError } from '@countersign/core';

/** Reads TPM structures strictly: a length that the bytes do not cover and bytes left over are refused. */
export class TpmReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #offset = 0;

  /** @param what names the structure in errors, such as `response to TPM2_Sign`. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#what = what;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  /** A copy. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return Uint8Array.prototype.slice.call(this.#bytes, start, start + length);
  }

  /** TPM2B: a copy of what follows its 16-bit size. */
  sized(): Uint8Array {
    return this.bytes(this.u16());
  }

  /** The bytes, as they stand, that `read` takes: for structures that are passed on unparsed. */
  spanOf(read: (reader: this) => void): Uint8Array {
    const start = this.#offset;
    read(this);
    return Uint8Array.prototype.slice.call(this.#bytes, start, this.#offset);
  }

  end(): void {
    const left = this.#bytes.length - this.#offset;
    if (left !== 0) throw this.malformed(`${left} bytes are left over at its end`);
  }

  malformed(found: string): CountersignError {
    return new CountersignError(
      'TPM_STRUCTURE_MALFORMED',
      `the ${this.#what} is malformed: ${found}`,
      'If it came from a TPM, its firmware or somebody on the way altered it. Do not use it.',
    );
  }

  #advance(length: number): number {
    const start = this.#offset;
    const left = this.#bytes.length - start;
    if (length > left) throw this.malformed(`${length} bytes are expected at ${start}, ${left} are there`);
    this.#offset = start + length;
    return start;
  }
}
