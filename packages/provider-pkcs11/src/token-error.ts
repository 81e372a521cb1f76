import { CountersignError, type ErrorCode } from '@countersign/core';

/** A CK_RV other than CKR_OK that a Cryptoki function returned, in the form that callers see. */
export class TokenError extends CountersignError {
  /** The name of the CK_RV, such as `CKR_PIN_INCORRECT`. */
  readonly returnValue: string;
  /** The Cryptoki function, such as `C_Login`. */
  readonly cryptokiFunction: string;

  constructor(returnValue: string, code: number, cryptokiFunction: string, cause: unknown) {
    const meaning = meanings.get(returnValue) ?? unexpected;
    const number = `0x${code.toString(16).toUpperCase()}`;
    super(
      meaning.code,
      `${cryptokiFunction} returned ${returnValue} (${number}): ${meaning.found}`,
      meaning.hint,
      { cause },
    );
    this.returnValue = returnValue;
    this.cryptokiFunction = cryptokiFunction;
  }
}

/** Calls into the module; whatever it returns other than CKR_OK is thrown as a `TokenError`. */
export function call<T>(cryptokiFunction: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asTokenError(cryptokiFunction, error);
  }
}

/** @returns the typed error for what pkcs11js or graphene threw */
export function asTokenError(cryptokiFunction: string, error: unknown): CountersignError {
  if (error instanceof CountersignError) return error;
  const found = readReturnValue(error);
  if (found !== undefined) return new TokenError(found.name, found.code, cryptokiFunction, error);
  return new CountersignError(
    'TOKEN_FAILED',
    `${cryptokiFunction} failed without a return value: ${error instanceof Error ? error.message : 'no error object'}`,
    'Check that the module at module-path is a PKCS#11 module and that its vendor supports this function.',
    { cause: error },
  );
}

export function hasReturnValue(error: unknown, ...names: readonly string[]): error is TokenError {
  return error instanceof TokenError && names.includes(error.returnValue);
}

/**
 * pkcs11js throws `CKR_X` with a numeric code, or the bare text `CKR_X:16`, by function. It knows the names of version
 * 2.40 only, and calls all others vendor-defined.
 */
function readReturnValue(error: unknown): { readonly name: string; readonly code: number } | undefined {
  if (!(error instanceof Error)) return undefined;
  const [, name, digits] = /(CKR_\w+)(?::(\d+))?/.exec(error.message) ?? [];
  if (name === undefined) return undefined;
  const code =
    digits !== undefined
      ? Number(digits)
      : 'code' in error && typeof error.code === 'number'
        ? error.code
        : 0;
  return { name: name === 'CKR_VENDOR_DEFINED' ? (laterNames.get(code) ?? name) : name, code };
}

const laterNames: ReadonlyMap<number, string> = new Map([
  [0x1b, 'CKR_ACTION_PROHIBITED'],
  [0x140, 'CKR_CURVE_NOT_SUPPORTED'],
  [0x1b9, 'CKR_TOKEN_RESOURCE_EXCEEDED'],
  [0x201, 'CKR_OPERATION_CANCEL_FAILED'],
]);

interface Meaning {
  readonly code: ErrorCode;
  readonly found: string;
  readonly hint: string;
}

const unexpected: Meaning = {
  code: 'TOKEN_FAILED',
  found: 'the token or its module refused or failed',
  hint: 'Try again. If it stays, look up this return value in the manual of the token.',
};

const tokenGone: Meaning = {
  code: 'TOKEN_NOT_PRESENT',
  found: 'the token is not there, or not there any more',
  hint: 'Insert or reconnect the token and try again; keys must be unlocked anew.',
};

const handleStale: Meaning = {
  code: 'TOKEN_FAILED',
  found: 'a handle went stale, and fresh ones did too',
  hint: 'Try again. Something else in this process, or the token itself, keeps ending sessions or removing objects.',
};

const templateRefused: Meaning = {
  code: 'TOKEN_FAILED',
  found: 'the token does not take objects with these attributes',
  hint: 'Make the object with the tool of the token’s vendor, then open it here.',
};

const pinLength: Meaning = {
  code: 'PIN_INVALID',
  found: 'the token does not take a PIN like this',
  hint: 'Choose a PIN within the length and alphabet that the token’s manual gives.',
};

const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  [
    'CKR_PIN_INCORRECT',
    { code: 'PIN_INCORRECT', found: 'the PIN is wrong', hint: 'Give the right PIN; wrong ones count.' },
  ],
  [
    'CKR_PIN_LOCKED',
    {
      code: 'PIN_LOCKED',
      found: 'the user PIN is locked after too many wrong ones',
      hint: 'Have the security officer set a new user PIN (C_InitPIN), for example with: pkcs11-tool --init-pin',
    },
  ],
  [
    'CKR_PIN_EXPIRED',
    {
      code: 'PIN_INVALID',
      found: 'the PIN has expired',
      hint: 'Change the PIN, then unlock with the new one.',
    },
  ],
  ['CKR_PIN_INVALID', pinLength],
  ['CKR_PIN_LEN_RANGE', pinLength],
  ['CKR_PIN_TOO_WEAK', pinLength],
  [
    'CKR_USER_NOT_LOGGED_IN',
    {
      code: 'PIN_REQUIRED',
      found: 'nobody is logged in to the token',
      hint: 'Unlock the key with the user PIN of its token.',
    },
  ],
  [
    'CKR_USER_PIN_NOT_INITIALIZED',
    {
      code: 'TOKEN_NOT_INITIALIZED',
      found: 'the token has no user PIN yet',
      hint: 'Set one as security officer, for example with: pkcs11-tool --init-pin',
    },
  ],
  [
    'CKR_USER_ANOTHER_ALREADY_LOGGED_IN',
    {
      code: 'TOKEN_FAILED',
      found: 'the security officer is logged in from this process',
      hint: 'Let the security officer log out first.',
    },
  ],
  ['CKR_TOKEN_NOT_PRESENT', tokenGone],
  ['CKR_TOKEN_NOT_RECOGNIZED', tokenGone],
  ['CKR_DEVICE_REMOVED', tokenGone],
  ['CKR_SLOT_ID_INVALID', tokenGone],
  ['CKR_SESSION_HANDLE_INVALID', handleStale],
  ['CKR_SESSION_CLOSED', handleStale],
  ['CKR_OBJECT_HANDLE_INVALID', handleStale],
  ['CKR_KEY_HANDLE_INVALID', handleStale],
  [
    'CKR_OPERATION_ACTIVE',
    {
      code: 'TOKEN_FAILED',
      found: 'the session is busy with an operation that nobody ended, and so was a fresh one',
      hint: 'Try again; the session was replaced.',
    },
  ],
  [
    'CKR_BUFFER_TOO_SMALL',
    {
      code: 'TOKEN_FAILED',
      found: 'the token wants to return more than such a signature can hold',
      hint: 'Try again; the session was replaced. If it stays, the module is faulty.',
    },
  ],
  [
    'CKR_HOST_MEMORY',
    {
      code: 'TOKEN_FAILED',
      found: 'the module ran out of memory',
      hint: 'Free memory on this machine and try again.',
    },
  ],
  [
    'CKR_DEVICE_MEMORY',
    { code: 'TOKEN_FAILED', found: 'the token is full', hint: 'Destroy keys that are no longer needed.' },
  ],
  [
    'CKR_SESSION_COUNT',
    {
      code: 'TOKEN_FAILED',
      found: 'the token opens no more sessions',
      hint: 'Lower maxSessions, or close other programs that use the token.',
    },
  ],
  [
    'CKR_TOKEN_WRITE_PROTECTED',
    {
      code: 'TOKEN_FAILED',
      found: 'the token is write-protected',
      hint: 'Remove the protection, or use another token.',
    },
  ],
  [
    'CKR_MECHANISM_INVALID',
    {
      code: 'ALGORITHM_NOT_SUPPORTED',
      found: 'the token does not have this mechanism',
      hint: 'Choose an algorithm from the provider’s info.algorithms, a scheme from the key’s schemes.',
    },
  ],
  [
    'CKR_CURVE_NOT_SUPPORTED',
    {
      code: 'ALGORITHM_NOT_SUPPORTED',
      found: 'the token does not have this curve',
      hint: 'Choose another algorithm.',
    },
  ],
  [
    'CKR_KEY_FUNCTION_NOT_PERMITTED',
    {
      code: 'SCHEME_NOT_SUPPORTED',
      found: 'the token does not let this key sign (CKA_SIGN)',
      hint: 'Use a key that was made to sign.',
    },
  ],
  ['CKR_TEMPLATE_INCONSISTENT', templateRefused],
  ['CKR_TEMPLATE_INCOMPLETE', templateRefused],
  ['CKR_ATTRIBUTE_VALUE_INVALID', templateRefused],
  [
    'CKR_CRYPTOKI_NOT_INITIALIZED',
    {
      code: 'PROVIDER_NOT_AVAILABLE',
      found: 'the module was finalized behind this provider’s back',
      hint: 'Close this provider and create a new one; let nothing else in the process call C_Finalize.',
    },
  ],
]);
