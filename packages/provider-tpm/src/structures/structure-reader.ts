import { structureMalformed } from './marshal.ts';

/** Reads big-endian fields one after another, and refuses to end before the last byte. */
export class StructureReader {
  readonly #name: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  /** @param name of the structure, for errors. */
  constructor(name: string, bytes: Uint8Array) {
    this.#name = name;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#advance(8));
  }

  /** TPMI_YES_NO. */
  yesNo(): boolean {
    const value = this.uint8();
    if (value > 1) throw structureMalformed(this.#name, `a yes or no in it is ${value}`);
    return value === 1;
  }

  /** A copy. */
  bytes(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.slice(at, at + length);
  }

  /** The content of a TPM2B, copied. */
  sized(): Uint8Array {
    return this.bytes(this.uint16());
  }

  /** All that is left, copied. */
  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#position);
  }

  /** A TPML of elements that each take at least `elementLength` bytes. */
  list<T>(elementLength: number, element: (reader: this) => T): readonly T[] {
    const count = this.uint32();
    const left = this.#bytes.length - this.#position;
    if (count * elementLength > left) {
      throw structureMalformed(
        this.#name,
        `a list of ${count} elements cannot stand in the ${left} bytes left`,
      );
    }
    return Array.from({ length: count }, () => element(this));
  }

  /** @throws CountersignError `TPM_REPLY_MALFORMED` if bytes are left. */
  end(): void {
    const left = this.#bytes.length - this.#position;
    if (left > 0) throw structureMalformed(this.#name, `${left} bytes follow its end`);
  }

  #advance(length: number): number {
    const at = this.#position;
    if (at + length > this.#bytes.length) {
      throw structureMalformed(this.#name, `it is cut short after ${this.#bytes.length} bytes`);
    }
    this.#position += length;
    return at;
  }
}
