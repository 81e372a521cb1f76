import { timingSafeEqual } from 'node:crypto';
import { CountersignError } from '@countersign/core';

/**
 * Asks for a PIN on the terminal without echo.
 * @param twice ask again and demand the same
 * @throws CountersignError `PIN_INVALID` if the two differ; `PIN_REQUIRED` if the person gives up (Ctrl-C, Ctrl-D)
 */
export async function promptForPin(purpose: string, twice: boolean): Promise<Uint8Array> {
  return withHiddenKeystrokes(async (keystrokes) => {
    const pin = await readLine(keystrokes, `PIN for ${purpose}: `);
    if (!twice) return pin;
    const again = await readLine(keystrokes, 'Once more: ');
    const isSame = pin.length === again.length && timingSafeEqual(pin, again);
    again.fill(0);
    if (isSame) return pin;
    pin.fill(0);
    throw new CountersignError('PIN_INVALID', 'the two PINs differ', 'Run the command again.');
  });
}

/** Asks for one line without echo. @throws CountersignError `PIN_REQUIRED` if the person gives up */
export async function promptHidden(prompt: string): Promise<Uint8Array> {
  return withHiddenKeystrokes(async (keystrokes) => readLine(keystrokes, prompt));
}

const key = {
  enter: 0x0d,
  lineFeed: 0x0a,
  backspace: 0x7f,
  controlH: 0x08,
  controlC: 0x03,
  controlD: 0x04,
  controlU: 0x15,
};

/** One hidden stretch for all that is asked: what is typed or pasted ahead counts, and nothing echoes in between. */
async function withHiddenKeystrokes<T>(use: (keystrokes: Keystrokes) => Promise<T>): Promise<T> {
  const { stdin } = process;
  stdin.setRawMode(true);
  const keystrokes = new Keystrokes();
  try {
    return await use(keystrokes);
  } finally {
    keystrokes.end();
    stdin.setRawMode(false);
  }
}

/** What is typed, octet by octet, as long as somebody listens. */
class Keystrokes {
  readonly #chunks: Uint8Array[] = [];
  #at = 0;
  #hasEnded = false;
  #wake: () => void = () => undefined;
  readonly #onData = (chunk: Uint8Array): void => {
    this.#chunks.push(chunk);
    this.#wake();
  };
  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    this.#wake();
  };

  constructor() {
    // Listening makes standard input flow, whatever state the prompt before left it in.
    process.stdin.on('data', this.#onData).on('end', this.#onEnd).resume();
  }

  /** @returns undefined when there is nobody at the keyboard any more */
  async next(): Promise<number | undefined> {
    for (;;) {
      const [chunk] = this.#chunks;
      if (chunk !== undefined && this.#at < chunk.length) return chunk[this.#at++];
      if (chunk !== undefined) this.#dropFirst(chunk);
      else if (this.#hasEnded) return undefined;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  end(): void {
    process.stdin.off('data', this.#onData).off('end', this.#onEnd).pause();
    for (const chunk of this.#chunks) chunk.fill(0);
  }

  #dropFirst(chunk: Uint8Array): void {
    chunk.fill(0);
    this.#chunks.shift();
    this.#at = 0;
  }
}

async function readLine(keystrokes: Keystrokes, prompt: string): Promise<Uint8Array> {
  process.stderr.write(prompt);
  const typed = Buffer.alloc(512);
  let length = 0;
  try {
    for (;;) {
      const octet = await keystrokes.next();
      if (octet === undefined || octet === key.controlC || octet === key.controlD) throw gaveUp();
      if (octet === key.enter || octet === key.lineFeed) return Uint8Array.from(typed.subarray(0, length));
      if (octet === key.controlU) length = 0;
      else if (octet === key.backspace || octet === key.controlH) length = lastCharacterStart(typed, length);
      else if (length < typed.length) typed[length++] = octet;
    }
  } finally {
    typed.fill(0);
    process.stderr.write('\n');
  }
}

/** Where the last UTF-8 character begins: continuation octets (10xxxxxx) go with it. */
function lastCharacterStart(typed: Uint8Array, length: number): number {
  let at = Math.max(0, length - 1);
  while (at > 0 && ((typed[at] ?? 0) & 0xc0) === 0x80) at--;
  return at;
}

function gaveUp(): CountersignError {
  return new CountersignError(
    'PIN_REQUIRED',
    'no PIN was entered',
    'Run the command again and enter the PIN.',
  );
}
