export { encodeNgcKey, parseNgcKey } from './ngc-key.ts';
export { KeyRegistrations, type KeyRegistration, type KeyRegistrationOptions } from './register-key.ts';
export { RegistrationClient, type RegistrationClientOptions } from './registration-client.ts';
export { startRegistrationService, type RegistrationServiceOptions } from './registration-service.ts';
export { RemoteReceiptKeys, type RemoteReceiptKeysOptions } from './remote-receipt-keys.ts';
