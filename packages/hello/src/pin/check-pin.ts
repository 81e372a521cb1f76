import { CountersignError } from '@countersign/core';
import { characterKinds, type PinPolicy } from './pin-policy.ts';

/**
 * Holds a new PIN against the policy. It is never decoded: a JavaScript string cannot be wiped.
 * @param pin ASCII
 * @throws CountersignError `PIN_INVALID`, whose message names the rule and nothing of the PIN
 */
export function checkPin(pin: Uint8Array, policy: PinPolicy): void {
  const { minimumPinLength, maximumPinLength } = policy;
  if (pin.length < minimumPinLength) throw refused('the PIN is too short', policy);
  if (pin.length > maximumPinLength) throw refused('the PIN is too long', policy);
  if (!pin.every((octet) => characterKinds.some((kind) => kind.includes(octet)))) {
    throw refused(
      'the PIN has a character that is neither a digit, nor a letter from A to Z, nor one of !"#$%&…',
      policy,
    );
  }
  for (const { name, plural, includes } of characterKinds) {
    const isThere = pin.some(includes);
    if (policy[name] === 'require' && !isThere) throw refused(`the PIN has no ${plural}`, policy);
    if (policy[name] === 'disallow' && isThere) throw refused(`the PIN has ${plural}`, policy);
  }
  if (isSimple(pin)) throw refused('the digits of the PIN follow each other in even steps', policy);
}

/**
 * Whether each digit is as far from the one before as all others, counted in tens: 1111, 1234, 9630, 1593. Of each length
 * there are 100. PINs with other characters are not simple.
 */
export function isSimple(pin: Uint8Array): boolean {
  const [digits] = characterKinds;
  if (digits === undefined || pin.length < 2 || !pin.every((octet) => digits.includes(octet))) return false;
  const step = stepAt(pin, 1);
  return pin.every((_, index) => index === 0 || stepAt(pin, index) === step);
}

function stepAt(pin: Uint8Array, index: number): number {
  return ((pin[index] ?? 0) - (pin[index - 1] ?? 0) + 10) % 10;
}

function refused(found: string, policy: PinPolicy): CountersignError {
  const wanted = characterKinds.flatMap(({ name, plural }) =>
    policy[name] === 'disallow' ? [] : [`${plural}${policy[name] === 'require' ? ' (at least one)' : ''}`],
  );
  return new CountersignError(
    'PIN_INVALID',
    found,
    `Choose ${policy.minimumPinLength} to ${policy.maximumPinLength} characters of these: ${wanted.join(', ')}.`,
  );
}
