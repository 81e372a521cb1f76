import { effectivePinPolicy, type CharacterRule, type PinPolicy } from '@countersign/hello';
import type { JsonObject } from '@countersign/state';

const lengths = ['minimumPinLength', 'maximumPinLength', 'expirationDays', 'history'] as const;
const kinds = ['digits', 'lowercaseLetters', 'uppercaseLetters', 'specialCharacters'] as const;

/** @throws CountersignError `POLICY_INVALID` for a number out of its range */
export function readPinPolicy(object: JsonObject): PinPolicy {
  const settings: { [name in (typeof lengths)[number]]?: number } & {
    [name in (typeof kinds)[number]]?: CharacterRule;
  } = {};
  for (const name of lengths) {
    const value = object.optionalInteger(name);
    if (value !== undefined) settings[name] = value;
  }
  for (const name of kinds) {
    if (object.has(name)) settings[name] = object.oneOf(name, ['allow', 'require', 'disallow']);
  }
  object.end();
  return effectivePinPolicy(settings);
}
