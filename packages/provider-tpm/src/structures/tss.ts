/**
 * The only door to tss.js: its structures, with its number functions mended. Nothing of its devices, sessions or
 * command dispatch is used. The build bundles this file together with what it imports, which is why each name is
 * listed: what a CommonJS module exports cannot be passed on as a whole.
 */
import { TpmBuffer } from 'tss.js/lib/TpmMarshaller.js';
import { tssNumbers } from './tss-numbers.ts';

// tss.js reads 32 bits as a signed number and loses the upper half of 64 bits.
Object.assign(TpmBuffer.prototype, tssNumbers);

export { TpmBuffer };
export { CmdStructure, ReqStructure, RespStructure, TpmStructure } from 'tss.js/lib/TpmStructure.js';

export {
  TPM_ALG_ID,
  TPM_CAP,
  TPM_CC,
  TPM_ECC_CURVE,
  TPM_GENERATED,
  TPM_HANDLE,
  TPM_HT,
  TPM_PT,
  TPM_RC,
  TPM_RH,
  TPM_SE,
  TPM_ST,
  TPM_SU,
  TPMA_NV,
  TPMA_OBJECT,
  TPMA_SESSION,
} from 'tss.js/lib/TpmTypes.js';

// Keys.
export {
  TPM2B_DIGEST,
  TPM2B_NAME,
  TPM2B_PRIVATE,
  TPM2B_PUBLIC,
  TPM2B_PUBLIC_KEY_RSA,
  TPM2B_SENSITIVE_CREATE,
  TPMS_ASYM_PARMS,
  TPMS_CREATION_DATA,
  TPMS_ECC_PARMS,
  TPMS_ECC_POINT,
  TPMS_KEYEDHASH_PARMS,
  TPMS_NULL_ASYM_SCHEME,
  TPMS_NULL_KDF_SCHEME,
  TPMS_NULL_SIG_SCHEME,
  TPMS_RSA_PARMS,
  TPMS_SENSITIVE_CREATE,
  TPMS_SYMCIPHER_PARMS,
  TPMT_PUBLIC,
  TPMT_SENSITIVE,
  TPMT_SYM_DEF,
  TPMT_SYM_DEF_OBJECT,
  TPMT_TK_CREATION,
  TPMT_TK_HASHCHECK,
  TPMT_TK_VERIFIED,
} from 'tss.js/lib/TpmTypes.js';

// Signatures and attestation.
export {
  TPM2B_ATTEST,
  TPM2B_ENCRYPTED_SECRET,
  TPM2B_ID_OBJECT,
  TPMS_ATTEST,
  TPMS_CERTIFY_INFO,
  TPMS_CLOCK_INFO,
  TPMS_CREATION_INFO,
  TPMS_ENC_SCHEME_OAEP,
  TPMS_ENC_SCHEME_RSAES,
  TPMS_ID_OBJECT,
  TPMS_QUOTE_INFO,
  TPMS_SCHEME_HASH,
  TPMS_SIG_SCHEME_ECDSA,
  TPMS_SIG_SCHEME_RSAPSS,
  TPMS_SIG_SCHEME_RSASSA,
  TPMS_SIGNATURE_ECDSA,
  TPMS_SIGNATURE_RSAPSS,
  TPMS_SIGNATURE_RSASSA,
  TPMT_HA,
  TPMT_SIGNATURE,
} from 'tss.js/lib/TpmTypes.js';

// Capabilities, PCRs and NV indices.
export {
  TPML_ALG_PROPERTY,
  TPML_CC,
  TPML_CCA,
  TPML_DIGEST,
  TPML_ECC_CURVE,
  TPML_HANDLE,
  TPML_PCR_SELECTION,
  TPML_TAGGED_TPM_PROPERTY,
  TPMS_CAPABILITY_DATA,
  TPMS_CONTEXT,
  TPMS_NV_PUBLIC,
  TPMS_PCR_SELECTION,
  TPMS_TIME_INFO,
} from 'tss.js/lib/TpmTypes.js';
