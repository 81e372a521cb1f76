export { checkPin, isSimple } from './check-pin.ts';
export { PinHistory, type HistoryCost } from './pin-history.ts';
export {
  defaultPinPolicy,
  effectivePinPolicy,
  type CharacterRule,
  type PinPolicy,
  type PinPolicySettings,
} from './pin-policy.ts';
