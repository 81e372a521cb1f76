/** The fields of tss.js's TpmBuffer that its number functions work on. */
interface BufferState {
  readonly buf: Buffer;
  pos: number;
  checkLen(length: number): boolean;
}

/** What stands in for the number functions of TpmBuffer.prototype. */
export const tssNumbers = {
  /** Unsigned, big-endian; 8 bytes as a BigInt. Past the end nought, with the buffer marked by `checkLen`. */
  readNum(this: BufferState, length: number): number | bigint {
    if (!this.checkLen(length)) return length === 8 ? 0n : 0;
    const at = this.pos;
    this.pos += length;
    return length === 8 ? this.buf.readBigUInt64BE(at) : this.buf.readUIntBE(at, length);
  },

  /**
   * Negative numbers are what JavaScript's bit operations make of attributes with bit 31 set.
   * @throws RangeError for a value that its length cannot hold.
   */
  writeNum(this: BufferState, value: number | bigint, length: number): void {
    const bits = 8 * length;
    const whole = BigInt(value);
    if (whole < -(1n << BigInt(bits - 1)) || whole >= 1n << BigInt(bits)) {
      throw new RangeError(`${whole} does not fit into ${length} bytes`);
    }
    if (!this.checkLen(length)) return;
    const unsigned = BigInt.asUintN(bits, whole);
    if (length === 8) this.buf.writeBigUInt64BE(unsigned, this.pos);
    else this.buf.writeUIntBE(Number(unsigned), this.pos, length);
    this.pos += length;
  },
};
