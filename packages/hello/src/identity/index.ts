export { DeviceRegistry, type RegisteredDevice } from './device-registry.ts';
export { IdentityClient, type IdentityClientOptions, type IssuedTokens } from './identity-client.ts';
export { startIdentityService, type IdentityServiceOptions } from './identity-service.ts';
