import { CountersignError } from '@countersign/core';
import type { PKCS11 } from 'pkcs11js';
import { CKF_RW_SESSION, CKF_SERIAL_SESSION, CKF_TOKEN_INITIALIZED, CKU_SO, CKU_USER } from './cryptoki.ts';
import { findModule } from './module-path.ts';
import { formatPkcs11Uri, parsePkcs11Uri } from './pkcs11-uri.ts';
import { pinText, withCopy } from './pin.ts';
import { SharedModule } from './shared-module.ts';
import { call } from './token-error.ts';
import {
  describeTokens,
  presentTokens,
  tokenIn,
  tokensMatching,
  type PresentToken,
} from './token-selection.ts';

export interface NewTokenOptions {
  /** RFC 7512 URI of the module and, where several tokens are blank, of the slot (`slot-id`) to take. */
  readonly uri: string;
  /** CK_TOKEN_INFO.label: 1 to 32 octets of UTF-8. */
  readonly label: string;
  /** UTF-8. Of the security officer, who can set a new user PIN. */
  readonly securityOfficerPin: Uint8Array;
  /** UTF-8. Of the user, as `generate` and `unlock` take it. */
  readonly userPin: Uint8Array;
  readonly libraryParameters?: string;
}

/**
 * Initializes a token that is blank (C_InitToken) and sets its user PIN (C_InitPIN). A token that was initialized before
 * is never touched, because C_InitToken erases what is on it.
 * @returns the RFC 7512 URI of the token, with its serial number and the module's path
 * @throws CountersignError `TOKEN_NOT_PRESENT` if no token is blank, `KEY_AMBIGUOUS`, `PIN_INVALID`, `VALUE_OUT_OF_RANGE`
 */
export async function initializeToken(options: NewTokenOptions): Promise<string> {
  const label = checkLabel(options.label);
  const uri = parsePkcs11Uri(options.uri);
  return withCopy(options.securityOfficerPin, (soPin) =>
    withCopy(options.userPin, async (userPin) => {
      const shared = await SharedModule.acquire(await findModule(uri), options.libraryParameters);
      try {
        const token = oneBlank(tokensMatching(presentTokens(shared.module), uri));
        for (const pin of [soPin, userPin]) assertPinTaken(token, pin);
        return initialize(shared, token, label, soPin, userPin);
      } finally {
        shared.release();
      }
    }),
  );
}

function initialize(
  shared: SharedModule,
  { slot }: PresentToken,
  label: string,
  soPin: Uint8Array,
  userPin: Uint8Array,
): string {
  const { lib } = shared;
  call('C_InitToken', () => lib.C_InitToken(slot.handle, pinText(soPin), label));
  setUserPin(lib, slot.handle, soPin, userPin);
  const made = tokenIn(slot);
  if (made === undefined || (made.info.flags & CKF_TOKEN_INITIALIZED) === 0) {
    throw new CountersignError(
      'TOKEN_FAILED',
      'C_InitToken returned CKR_OK, and the token is not initialized',
      'Initialize the token with the tool of its vendor.',
    );
  }
  const { serialNumber: serial, label: token } = made.identity;
  return formatPkcs11Uri({ token, serial, modulePath: shared.path });
}

function setUserPin(lib: PKCS11, slot: Buffer, soPin: Uint8Array, userPin: Uint8Array): void {
  const session = call('C_OpenSession', () => lib.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION));
  try {
    call('C_Login', () => lib.C_Login(session, CKU_SO, pinText(soPin)));
    call('C_InitPIN', () => lib.C_InitPIN(session, pinText(userPin)));
    call('C_Logout', () => lib.C_Logout(session));
    // Proves that the PIN which was set is the one that was meant.
    call('C_Login', () => lib.C_Login(session, CKU_USER, pinText(userPin)));
    call('C_Logout', () => lib.C_Logout(session));
  } finally {
    call('C_CloseSession', () => lib.C_CloseSession(session));
  }
}

function oneBlank(tokens: readonly PresentToken[]): PresentToken {
  const blank = tokens.filter(({ info }) => (info.flags & CKF_TOKEN_INITIALIZED) === 0);
  const [only, ...others] = blank;
  if (only === undefined) {
    throw new CountersignError(
      'TOKEN_NOT_PRESENT',
      `no token that the reference matches is blank: ${tokens.length === 0 ? 'there is none' : describeTokens(tokens)}`,
      'Insert a blank token. One that is initialized is left as it is; to erase it, use the tool of its vendor.',
    );
  }
  if (others.length === 0) return only;
  throw new CountersignError(
    'KEY_AMBIGUOUS',
    `${blank.length} blank tokens match the reference`,
    'Name the slot of one with slot-id= in the uri.',
  );
}

function checkLabel(label: string): string {
  const octets = Buffer.byteLength(label);
  if (label.isWellFormed() && octets >= 1 && octets <= 32) return label;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `a token label of ${octets} octets was given; CK_TOKEN_INFO has room for 1 to 32 of UTF-8`,
    'Choose another label.',
  );
}

/** Before anything is done to the token. Lengths are in octets, as CK_TOKEN_INFO counts. */
function assertPinTaken({ info }: PresentToken, pin: Uint8Array): void {
  pinText(pin);
  if (pin.length >= Math.max(1, info.minPinLen) && (info.maxPinLen === 0 || pin.length <= info.maxPinLen))
    return;
  throw new CountersignError(
    'PIN_INVALID',
    `a PIN of ${pin.length} octets was given for a token that takes ${info.minPinLen} to ${info.maxPinLen}`,
    'Choose a PIN of that length.',
  );
}
