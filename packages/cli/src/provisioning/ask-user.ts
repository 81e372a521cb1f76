import { CountersignError } from '@countersign/core';
import { checkPin, type PinHistory, type PinPolicy } from '@countersign/hello';
import { readPinFile, withPin, type PinOptions } from '../terminal/pin.ts';
import { promptHidden } from '../terminal/prompt-for-pin.ts';

/** How the user of a provisioning is asked. */
export interface UserInput extends PinOptions {
  /** In place of all other sources of the PIN; copied. */
  readonly pin?: Uint8Array | undefined;
  /** File with the answer to the second factor. */
  readonly codeFile?: string | undefined;
}

/**
 * Lends a new PIN that obeys the policy. On a terminal the user may choose again; a PIN from elsewhere is held against the
 * policy once.
 * @throws CountersignError `PIN_INVALID`, `PIN_REQUIRED`
 */
export async function withNewPin<T>(
  input: UserInput,
  policy: PinPolicy,
  history: PinHistory,
  question: { readonly purpose: string; readonly twice: boolean },
  say: (line: string) => void,
  use: (pin: Uint8Array) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    const outcome = await withGivenPin(input, question, async (pin) => {
      try {
        checkPin(pin, policy);
        await history.assertNotUsed(pin, policy);
      } catch (error) {
        const mayTryAgain = isFromTerminal(input) && tries < maxTries;
        if (!(error instanceof CountersignError) || !mayTryAgain) throw error;
        say(`${error.message}. ${error.hint}`);
        return undefined;
      }
      const result = await use(pin);
      await history.remember(pin, new Date(), policy);
      return { result };
    });
    if (outcome !== undefined) return outcome.result;
  }
}

/** Lends the PIN of a key. */
export async function withGivenPin<T>(
  { pin, pinFile }: UserInput,
  { purpose, twice }: { readonly purpose: string; readonly twice: boolean },
  use: (pin: Uint8Array) => Promise<T>,
): Promise<T> {
  if (pin === undefined) return withPin(purpose, { pinFile, twice }, use);
  const copy = Uint8Array.from(pin);
  try {
    return await use(copy);
  } finally {
    copy.fill(0);
  }
}

const maxTries = 3;

function isFromTerminal({ pin, pinFile }: UserInput): boolean {
  return pin === undefined && pinFile === undefined && process.stdin.isTTY && process.stderr.isTTY;
}

/** Taken out of the environment at once, so that no child process inherits it. */
const environmentCode = process.env['COUNTERSIGN_CODE'];
delete process.env['COUNTERSIGN_CODE'];

/** The answer to the second factor, for the caller to wipe. @throws CountersignError `MFA_REQUIRED` if there is none */
export async function obtainCode({ codeFile }: UserInput): Promise<Uint8Array> {
  if (codeFile !== undefined) return readPinFile(codeFile);
  if (environmentCode !== undefined) return Buffer.from(environmentCode);
  if (process.stdin.isTTY && process.stderr.isTTY) return promptHidden('Code of your authenticator app: ');
  throw new CountersignError(
    'MFA_REQUIRED',
    'a second factor is needed, and there is no terminal to ask for it',
    'Give --code-file FILE, or set COUNTERSIGN_CODE.',
  );
}
