import type { CountersignError } from '../../errors.ts';
import { attestationRefused } from '../refusal.ts';

/** Larger than any structure read here: an RSA-4096 public area has less than 700 octets. */
const maxStructureBytes = 4096;

/**
 * A cursor over a marshalled TPM structure (TPM 2.0 part 2, 4.1: big-endian, nothing padded). It reads what the caller
 * expects and nothing else; what is cut off or left over is `ATTESTATION_MALFORMED`. Octets are copies.
 */
export class TpmReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #position = 0;

  /** @param what the structure's name for error messages, such as "TPMS_ATTEST" */
  constructor(bytes: Uint8Array, what: string) {
    this.#what = what;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length > maxStructureBytes)
      throw this.malformed(`${bytes.length} octets; at most ${maxStructureBytes} are accepted`);
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

  /** TPMI_YES_NO: 0 or 1 (TPM 2.0 part 2, 9.2). */
  yesNo(): boolean {
    const value = this.uint8();
    if (value > 1) throw this.malformed(`${value} stands for a truth value`);
    return value === 1;
  }

  octets(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.slice(start, start + length);
  }

  /** The contents of a TPM2B: a 16-bit size and as many octets. */
  sized(maxLength: number): Uint8Array {
    const length = this.uint16();
    if (length > maxLength) {
      throw this.malformed(`a buffer claims ${length} octets; at most ${maxLength} fit its place`);
    }
    return this.octets(length);
  }

  /** @throws CountersignError `ATTESTATION_MALFORMED` if anything is left */
  end(): void {
    const left = this.#bytes.length - this.#position;
    if (left > 0) throw this.malformed(`${left} octets follow where the structure should end`);
  }

  malformed(found: string): CountersignError {
    return attestationRefused(
      'ATTESTATION_MALFORMED',
      `the ${this.#what} is not as a TPM writes it: before offset ${this.#position}, ${found}`,
      'Send the octets as the TPM returned them, without the size in front that some tools keep.',
    );
  }

  #advance(length: number): number {
    const start = this.#position;
    if (length > this.#bytes.length - start) throw this.malformed('the structure is cut off');
    this.#position += length;
    return start;
  }
}
