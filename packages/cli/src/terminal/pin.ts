import { CountersignError } from '@countersign/core';
import { readFileBytes } from '@countersign/state';
import { promptForPin } from './prompt-for-pin.ts';

/** How a PIN may reach a command. Each PIN is handed over as UTF-8 and wiped after use. */
export interface PinOptions {
  readonly pinFile?: string | undefined;
}

/** Where a PIN is looked for. */
export interface PinSource extends PinOptions {
  /** Ask twice on a terminal, for a PIN that is new. */
  readonly twice?: boolean;
  /** For a second PIN of one command, which cannot be in the same variable. */
  readonly source?: 'file or terminal';
}

/**
 * Gets a PIN from `--pin-file`, from COUNTERSIGN_PIN or from the terminal, in this order, lends it to `use` and wipes it.
 * @param purpose completes "PIN for …"
 * @throws CountersignError `PIN_REQUIRED` if there is none of the three
 */
export async function withPin<T>(
  purpose: string,
  options: PinSource,
  use: (pin: Uint8Array) => Promise<T>,
): Promise<T> {
  const pin = await obtainPin(purpose, options);
  try {
    return await use(pin);
  } finally {
    pin.fill(0);
  }
}

/** The PIN in COUNTERSIGN_PIN, as a copy for the caller to wipe. */
export function pinFromEnvironment(): Uint8Array | undefined {
  return environmentPin === undefined ? undefined : Buffer.from(environmentPin);
}

/** Taken out of the environment at once, so that no child process inherits it. */
const environmentPin = process.env['COUNTERSIGN_PIN'];
delete process.env['COUNTERSIGN_PIN'];

/** The first line of a file; what follows it is refused rather than ignored. */
export async function readPinFile(path: string): Promise<Uint8Array> {
  const bytes = await readFileBytes(path, { maxBytes: 4096 });
  const lineEnd = bytes.indexOf(0x0a);
  const end = lineEnd < 0 ? bytes.length : lineEnd > 0 && bytes[lineEnd - 1] === 0x0d ? lineEnd - 1 : lineEnd;
  const isOneLine = lineEnd < 0 || lineEnd === bytes.length - 1;
  const pin = Uint8Array.from(bytes.subarray(0, end));
  bytes.fill(0);
  if (isOneLine) return pin;
  pin.fill(0);
  throw new CountersignError(
    'PIN_INVALID',
    `${path} has more than one line; expected the PIN and nothing else`,
    'Write the PIN alone into the file, and let only its owner read it (chmod 600).',
  );
}

async function obtainPin(purpose: string, options: PinSource): Promise<Uint8Array> {
  if (options.pinFile !== undefined) return readPinFile(options.pinFile);
  const fromEnvironment = options.source === 'file or terminal' ? undefined : pinFromEnvironment();
  if (fromEnvironment !== undefined) return fromEnvironment;
  if (process.stdin.isTTY && process.stderr.isTTY) return promptForPin(purpose, options.twice === true);
  throw new CountersignError(
    'PIN_REQUIRED',
    `a PIN is needed for ${purpose}, and there is no terminal to ask for it`,
    options.source === 'file or terminal'
      ? 'Give it in a file.'
      : 'Give --pin-file FILE, or set COUNTERSIGN_PIN.',
  );
}
