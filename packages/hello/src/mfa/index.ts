export { authenticatorCode } from './authenticator-code.ts';
export {
  assertFresh,
  customVerifier,
  maxProofAgeMs,
  type MultiFactorProof,
  type MultiFactorVerifier,
} from './multi-factor-verifier.ts';
export { TotpVerifier, type TotpVerifierOptions } from './totp-verifier.ts';
