export {
  isGuid,
  tokenRejected,
  verifyAccessToken,
  type AccessToken,
  type TokenTrust,
} from './access-token.ts';
export { createKeySet, parseKeySet, tokenKeys, type TokenKeys } from './json-web-keys.ts';
export { Nonces } from './nonces.ts';
export {
  checkSealingKey,
  openPrimaryRefreshToken,
  type PrimaryRefreshToken,
  type PrimaryRefreshTokenTrust,
} from './primary-refresh-token.ts';
export { signJws } from './sign-jws.ts';
export {
  TokenIssuer,
  type IssuedPrimaryRefreshToken,
  type SignIn,
  type TokenIssuerOptions,
} from './token-issuer.ts';
export { clockToleranceMs, verifyJws } from './verify-jws.ts';
