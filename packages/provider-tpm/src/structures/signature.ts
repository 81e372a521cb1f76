import { structureMalformed, unmarshal } from './marshal.ts';
import { TPMS_SIGNATURE_ECDSA, TPMS_SIGNATURE_RSAPSS, TPMS_SIGNATURE_RSASSA, TPMT_SIGNATURE } from './tss.ts';

/** TPMT_SIGNATURE (TPM 2.0 part 2, 11.3.4) of the schemes that X.509 knows. `hash` is a TPM_ALG_ID. */
export type TpmSignature =
  | { readonly scheme: 'rsassa' | 'rsapss'; readonly hash: number; readonly signature: Uint8Array }
  /** Big-endian, and shorter than the curve's order where some TPMs leave leading noughts out. */
  | { readonly scheme: 'ecdsa'; readonly hash: number; readonly r: Uint8Array; readonly s: Uint8Array };

/** @throws CountersignError `TPM_REPLY_MALFORMED`, also for another scheme. */
export function parseSignature(bytes: Uint8Array): TpmSignature {
  const { signature, sigAlg } = unmarshal(TPMT_SIGNATURE, bytes);
  if (signature instanceof TPMS_SIGNATURE_RSASSA) {
    return { scheme: 'rsassa', hash: signature.hash, signature: Uint8Array.from(signature.sig) };
  }
  if (signature instanceof TPMS_SIGNATURE_RSAPSS) {
    return { scheme: 'rsapss', hash: signature.hash, signature: Uint8Array.from(signature.sig) };
  }
  if (signature instanceof TPMS_SIGNATURE_ECDSA) {
    const { hash, signatureR, signatureS } = signature;
    return { scheme: 'ecdsa', hash, r: Uint8Array.from(signatureR), s: Uint8Array.from(signatureS) };
  }
  throw structureMalformed('TPMT_SIGNATURE', `its scheme is 0x${sigAlg.toString(16)}`);
}
