import { CountersignError } from '@countersign/core';

/** Builds TPM structures: integers big-endian, a 16-bit size before sized buffers (TPM 2.0 part 2, 4.3 and 10.4). */
export class TpmWriter {
  readonly #parts: Uint8Array[] = [];

  u8(value: number): this {
    return this.#integer(value, 1);
  }

  u16(value: number): this {
    return this.#integer(value, 2);
  }

  u32(value: number): this {
    return this.#integer(value, 4);
  }

  /** The bytes are read when `finish` is called, not copied before: secrets lie in one place less. */
  bytes(value: Uint8Array): this {
    this.#parts.push(value);
    return this;
  }

  /** TPM2B. */
  sized(value: Uint8Array): this {
    return this.u16(value.length).bytes(value);
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.#parts.reduce((length, part) => length + part.length, 0));
    let offset = 0;
    for (const part of this.#parts) {
      out.set(part, offset);
      offset += part.length;
    }
    return out;
  }

  #integer(value: number, bytes: number): this {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * bytes)) {
      throw new CountersignError(
        'VALUE_OUT_OF_RANGE',
        `${value} does not fit the ${8 * bytes} bits that the TPM has for it`,
        'Give a smaller value.',
      );
    }
    const part = new Uint8Array(bytes);
    for (let rest = value, index = bytes - 1; index >= 0; index -= 1) {
      part[index] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return this.bytes(part);
  }
}
