export {
  createPkcs11Provider,
  type Pkcs11Provider,
  type Pkcs11ProviderOptions,
  type TokenKey,
} from './pkcs11-provider.ts';
export { initializeToken, type NewTokenOptions } from './initialize-token.ts';
export { formatPkcs11Uri, parsePkcs11Uri, type Pkcs11ObjectType, type Pkcs11Uri } from './pkcs11-uri.ts';
export type { PinState } from './pin-state.ts';
