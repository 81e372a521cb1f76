/** Random changes to documents, the same ones for the same seed. */
export class Mutator {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** One to four changes to one of the documents. */
  mutate(documents: readonly Uint8Array[]): Uint8Array {
    let document = this.#pick(documents);
    for (let changes = 1 + this.#below(4); changes > 0; changes--)
      document = this.#change(document, documents);
    return document;
  }

  #change(document: Uint8Array, documents: readonly Uint8Array[]): Uint8Array {
    const at = this.#below(document.length + 1);
    const octet = document[at] ?? 0;
    switch (this.#below(11)) {
      case 0:
        return spliced(document, at, 1, Uint8Array.of(octet ^ (1 << this.#below(8))));
      case 1:
        return spliced(document, at, 1, Uint8Array.of(this.#below(256)));
      case 2:
        return spliced(document, at, 1, Uint8Array.of(this.#pick(telling)));
      case 3:
        return spliced(document, at, 0, this.#octets(1 + this.#below(8)));
      case 4:
        return spliced(document, at, 1 + this.#below(16), nothing);
      case 5:
        return document.subarray(0, at);
      case 6:
        return spliced(document, at, 0, document.subarray(at, at + this.#below(64)));
      // A piece of another document in place of one of this: tags and lengths fit often.
      case 7: {
        const other = this.#pick(documents);
        const from = this.#below(other.length);
        return spliced(document, at, this.#below(48), other.subarray(from, from + this.#below(48)));
      }
      // An element in place of another one.
      case 8: {
        const [here, other] = [this.#element(document), this.#pick(documents)];
        const there = this.#element(other);
        return spliced(
          document,
          here.start,
          here.length,
          other.subarray(there.start, there.start + there.length),
        );
      }
      // A length that says something else.
      case 9: {
        const { start } = this.#element(document);
        return spliced(
          document,
          start + 1,
          1,
          Uint8Array.of(this.#pick([0, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff])),
        );
      }
      // An element within itself, many times over.
      default: {
        const { start, length } = this.#element(document);
        let nested = document.subarray(start, start + Math.min(length, 64));
        for (let depth = this.#below(40); depth > 0; depth--) nested = wrapped(nested);
        return spliced(document, start, length, nested);
      }
    }
  }

  /** Somewhere an element may begin, by the look of it. */
  #element(document: Uint8Array): { readonly start: number; readonly length: number } {
    for (let tries = 0; tries < 16; tries++) {
      const start = this.#below(document.length);
      const length = document[start + 1] ?? 0;
      if (length < 0x80 && start + 2 + length <= document.length) return { start, length: 2 + length };
    }
    return { start: 0, length: document.length };
  }

  #octets(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#below(256));
  }

  #pick<T>(list: readonly T[]): T {
    const picked = list[this.#below(list.length)];
    if (picked === undefined) throw new RangeError('nothing to pick from');
    return picked;
  }

  /** xorshift32 (Marsaglia 2003): random enough to fuzz with, and cheap. */
  #below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return limit === 0 ? 0 : (this.#state >>> 0) % limit;
  }
}

const nothing = new Uint8Array();

/** Tags and lengths at which readers turn. */
const telling = [
  0x00, 0x01, 0x02, 0x03, 0x05, 0x06, 0x0c, 0x17, 0x1e, 0x1f, 0x24, 0x30, 0x31, 0x7f, 0x80, 0x81, 0xa0, 0xff,
];

function spliced(document: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array {
  return Uint8Array.from(Buffer.concat([document.subarray(0, at), added, document.subarray(at + removed)]));
}

function wrapped(contents: Uint8Array): Uint8Array {
  const { length } = contents;
  const header = length < 0x80 ? [0x30, length] : [0x30, 0x82, length >> 8, length & 0xff];
  return Uint8Array.from([...header, ...contents]);
}
