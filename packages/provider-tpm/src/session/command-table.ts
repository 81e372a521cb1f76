/** What the layout of a command is (TPM 2.0 part 3). */
export interface CommandLayout {
  readonly name: string;
  readonly code: number;
  /** Handles in the command's handle area. */
  readonly handles: number;
  /** How many of them, the first ones, need an authorization. */
  readonly authorized: number;
  /** Whether the first parameter is a TPM2B, which a session can encrypt. */
  readonly sizedRequest: boolean;
  readonly sizedResponse: boolean;
  readonly responseHandle: boolean;
}

export const commands = {
  activateCredential: layout('TPM2_ActivateCredential', 0x147, 2, 2, 'both'),
  certify: layout('TPM2_Certify', 0x148, 2, 2, 'both'),
  clear: layout('TPM2_Clear', 0x126, 1, 1, 'none'),
  create: layout('TPM2_Create', 0x153, 1, 1, 'both'),
  createPrimary: layout('TPM2_CreatePrimary', 0x131, 1, 1, 'both', true),
  dictionaryAttackLockReset: layout('TPM2_DictionaryAttackLockReset', 0x139, 1, 1, 'none'),
  dictionaryAttackParameters: layout('TPM2_DictionaryAttackParameters', 0x13a, 1, 1, 'none'),
  evictControl: layout('TPM2_EvictControl', 0x120, 2, 1, 'none'),
  flushContext: layout('TPM2_FlushContext', 0x165, 0, 0, 'none'),
  getCapability: layout('TPM2_GetCapability', 0x17a, 0, 0, 'none'),
  getRandom: layout('TPM2_GetRandom', 0x17b, 0, 0, 'response'),
  hierarchyChangeAuth: layout('TPM2_HierarchyChangeAuth', 0x129, 1, 1, 'request'),
  load: layout('TPM2_Load', 0x157, 1, 1, 'both', true),
  makeCredential: layout('TPM2_MakeCredential', 0x168, 1, 0, 'both'),
  nvRead: layout('TPM2_NV_Read', 0x14e, 2, 1, 'response'),
  nvReadPublic: layout('TPM2_NV_ReadPublic', 0x169, 1, 0, 'response'),
  objectChangeAuth: layout('TPM2_ObjectChangeAuth', 0x150, 2, 1, 'both'),
  policyAuthValue: layout('TPM2_PolicyAuthValue', 0x16b, 1, 0, 'none'),
  policyCommandCode: layout('TPM2_PolicyCommandCode', 0x16c, 1, 0, 'none'),
  policyGetDigest: layout('TPM2_PolicyGetDigest', 0x189, 1, 0, 'response'),
  policyOr: layout('TPM2_PolicyOR', 0x171, 1, 0, 'none'),
  policySecret: layout('TPM2_PolicySecret', 0x151, 2, 1, 'both'),
  quote: layout('TPM2_Quote', 0x158, 1, 1, 'both'),
  readPublic: layout('TPM2_ReadPublic', 0x173, 1, 0, 'response'),
  sign: layout('TPM2_Sign', 0x15d, 1, 1, 'request'),
  startAuthSession: layout('TPM2_StartAuthSession', 0x176, 2, 0, 'both', true),
} as const;

function layout(
  name: string,
  code: number,
  handles: number,
  authorized: number,
  sized: 'none' | 'request' | 'response' | 'both',
  responseHandle = false,
): CommandLayout {
  return {
    name,
    code,
    handles,
    authorized,
    sizedRequest: sized === 'request' || sized === 'both',
    sizedResponse: sized === 'response' || sized === 'both',
    responseHandle,
  };
}
