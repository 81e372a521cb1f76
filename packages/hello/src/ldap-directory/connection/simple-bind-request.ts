import { Ber, BindRequest, type BerWriter } from 'ldapts';

/** A simple bind (RFC 4511 4.2) whose password never becomes a string, which could not be wiped. */
export class SimpleBindRequest extends BindRequest {
  readonly #octets: Uint8Array;

  constructor(messageId: number, name: string, password: Uint8Array) {
    super({ messageId, dn: name });
    this.#octets = password;
  }

  override writeMessage(writer: BerWriter): void {
    writer.writeInt(this.version);
    writer.writeString(this.dn);
    writer.writeBuffer(
      Buffer.from(this.#octets.buffer, this.#octets.byteOffset, this.#octets.length),
      Ber.Context,
    );
  }
}
