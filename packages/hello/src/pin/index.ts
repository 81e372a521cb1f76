export { changePin, type PinChange } from './change-pin.ts';
export { checkPin, isSimple } from './check-pin.ts';
export { assertEnteredAlike } from './entered-twice.ts';
export { assertPinNotExpired, pinExpiration, type PinExpiration } from './pin-expiration.ts';
export type { HistoryCost } from './pin-history-file.ts';
export { PinHistory } from './pin-history.ts';
export {
  defaultPinPolicy,
  effectivePinPolicy,
  type CharacterRule,
  type PinPolicy,
  type PinPolicySettings,
} from './pin-policy.ts';
