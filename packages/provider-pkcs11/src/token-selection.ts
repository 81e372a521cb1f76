import { CountersignError } from '@countersign/core';
import type { Module, Slot, Token } from 'graphene-pk11';
import { CKF_TOKEN_INITIALIZED } from './cryptoki.ts';
import type { Pkcs11Uri } from './pkcs11-uri.ts';
import { asTokenError, call, hasReturnValue } from './token-error.ts';

/** What tells a token from others, in whatever slot it is: slot numbers change when tokens come and go. */
export interface TokenIdentity {
  readonly label: string;
  readonly serialNumber: string;
  readonly manufacturer: string;
  readonly model: string;
}

export interface PresentToken {
  readonly slot: Slot;
  readonly info: Token;
  readonly identity: TokenIdentity;
}

function identityOf(info: Token): TokenIdentity {
  return {
    label: info.label,
    serialNumber: info.serialNumber,
    manufacturer: info.manufacturerID,
    model: info.model,
  };
}

export function presentTokens(module: Module): readonly PresentToken[] {
  const slots = call('C_GetSlotList', () => module.getSlots(true));
  const found: PresentToken[] = [];
  for (let index = 0; index < slots.length; index += 1) {
    const token = tokenIn(() => slots.items(index));
    if (token !== undefined) found.push(token);
  }
  return found;
}

/** @returns undefined if no token is in the slot (any more), or one that is no PKCS#11 token */
export function tokenIn(slotOrOpener: Slot | (() => Slot)): PresentToken | undefined {
  try {
    const slot = typeof slotOrOpener === 'function' ? slotOrOpener() : slotOrOpener;
    const info = slot.getToken();
    return { slot, info, identity: identityOf(info) };
  } catch (error) {
    const refused = asTokenError('C_GetTokenInfo', error);
    if (hasReturnValue(refused, ...notThere)) return undefined;
    throw refused;
  }
}

export function isSame(a: TokenIdentity, b: TokenIdentity): boolean {
  return (
    a.label === b.label &&
    a.serialNumber === b.serialNumber &&
    a.manufacturer === b.manufacturer &&
    a.model === b.model
  );
}

const notThere = [
  'CKR_TOKEN_NOT_PRESENT',
  'CKR_TOKEN_NOT_RECOGNIZED',
  'CKR_DEVICE_REMOVED',
  'CKR_SLOT_ID_INVALID',
];

/**
 * The initialized tokens that every one of these references matches.
 * @throws CountersignError `TOKEN_NOT_PRESENT`, `TOKEN_NOT_INITIALIZED`, each with the tokens that there are
 */
export function matchingTokens(module: Module, ...uris: readonly Pkcs11Uri[]): readonly PresentToken[] {
  const present = presentTokens(module);
  const matching = tokensMatching(present, ...uris);
  const initialized = matching.filter(({ info }) => (info.flags & CKF_TOKEN_INITIALIZED) !== 0);
  if (initialized.length > 0) return initialized;
  if (matching.length > 0) {
    throw new CountersignError(
      'TOKEN_NOT_INITIALIZED',
      `the reference matches only tokens that were never initialized: ${describeTokens(matching)}`,
      'Initialize one, for example with: softhsm2-util --init-token --free --label NAME, or pkcs11-tool --init-token',
    );
  }
  throw new CountersignError(
    'TOKEN_NOT_PRESENT',
    `no token matches the reference; the module has ${present.length === 0 ? 'none' : describeTokens(present)}`,
    'Insert the token, or name one of those in the reference with token= or serial=.',
  );
}

export function tokensMatching(
  tokens: readonly PresentToken[],
  ...uris: readonly Pkcs11Uri[]
): readonly PresentToken[] {
  return tokens.filter((token) => uris.every((uri) => matches(token, uri)));
}

export function describeTokens(tokens: readonly PresentToken[]): string {
  const listed = tokens
    .slice(0, 5)
    .map(({ identity }) => `${JSON.stringify(identity.label)} (serial ${identity.serialNumber})`);
  return [...listed, ...(tokens.length > 5 ? [`${tokens.length - 5} more`] : [])].join(', ');
}

function matches({ slot, identity }: PresentToken, uri: Pkcs11Uri): boolean {
  return (
    (uri.token === undefined || uri.token === identity.label) &&
    (uri.serial === undefined || uri.serial === identity.serialNumber) &&
    (uri.manufacturer === undefined || uri.manufacturer === identity.manufacturer) &&
    (uri.model === undefined || uri.model === identity.model) &&
    (uri.slotId === undefined || uri.slotId === slotNumber(slot))
  );
}

/** CK_SLOT_ID, an unsigned long in the machine's own octet order. */
function slotNumber(slot: Slot): bigint {
  const { handle } = slot;
  return handle.length === 8 ? handle.readBigUInt64LE() : BigInt(handle.readUInt32LE());
}
