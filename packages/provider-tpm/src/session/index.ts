export type { TpmChannel } from './tpm-channel.ts';
export { SaltKey } from './salt-key.ts';
export {
  startAuthSession,
  type SessionHash,
  type SessionOptions,
  type SessionSymmetric,
} from './start-auth-session.ts';
export type { AuthSession, SessionKind } from './auth-session.ts';
export {
  SessionPool,
  type Authorization,
  type HmacAuthorization,
  type PasswordAuthorization,
  type PolicyAuthorization,
} from './session-pool.ts';
export {
  executeCommand,
  type CommandAuthorization,
  type PasswordUse,
  type SessionUse,
  type TpmCommand,
  type TpmResult,
} from './execute-command.ts';
export { flushHandle } from './flush-handle.ts';
export { exchangeWithoutSessions } from './exchange-without-sessions.ts';
export { TpmRefusal } from '../command/command-refused.ts';
export { commands, type CommandLayout } from './command-table.ts';
export { computeName, entityNamedByHandle, permanentHandles, type Entity } from './entity.ts';
export {
  encodePublicArea,
  objectAttributes,
  parsePublicArea,
  type AsymmetricScheme,
  type EccPublicArea,
  type PublicArea,
  type RsaPublicArea,
} from './public-area.ts';
export { computePolicyDigest, type PolicyAssertion } from './policy-digest.ts';
export { kdfA, kdfE } from './kdf.ts';
export type { HashAlgorithm, TpmCurve } from './algorithms.ts';
export type { AuthorizedEntity } from './commands/authorized-entity.ts';
export * from './commands/attestation.ts';
export * from './commands/get-random.ts';
export * from './commands/hierarchies.ts';
export * from './commands/list-handles.ts';
export * from './commands/nv.ts';
export * from './commands/objects.ts';
export * from './commands/policy.ts';
export * from './commands/read-property.ts';
export { readPublic, readPublicUntrusted, type PublicObject } from './commands/read-public.ts';
export { sign, type SignatureScheme, type TpmSignature } from './commands/signatures.ts';
