import { structureMalformed, unmarshal } from './marshal.ts';
import { TPM_GENERATED, TPMS_ATTEST, TPMS_CERTIFY_INFO, TPMS_CREATION_INFO, TPMS_QUOTE_INFO } from './tss.ts';
import type { TPMS_CLOCK_INFO } from './tss.ts';

/** TPMS_ATTEST (TPM 2.0 part 2, 10.12.12): what a TPM signs of itself. */
export interface Attest {
  /** The structure as it came: what the signature is over. */
  readonly bytes: Uint8Array;
  readonly qualifiedSigner: Uint8Array;
  /** The nonce that the asker gave. */
  readonly extraData: Uint8Array;
  readonly clockInfo: ClockInfo;
  readonly firmwareVersion: bigint;
  readonly attested: Attested;
}

export type Attested =
  | { readonly kind: 'certify'; readonly name: Uint8Array; readonly qualifiedName: Uint8Array }
  | { readonly kind: 'creation'; readonly objectName: Uint8Array; readonly creationHash: Uint8Array }
  | { readonly kind: 'quote'; readonly pcrDigest: Uint8Array; readonly banks: readonly PcrBank[] }
  /** TPM_ST of what else can be attested. */
  | { readonly kind: 'other'; readonly type: number };

export interface PcrBank {
  /** TPM_ALG_ID. */
  readonly hash: number;
  /** A bit for each PCR, the lowest bit of the first byte for PCR 0. */
  readonly selection: Uint8Array;
}

export interface ClockInfo {
  /** Milliseconds for which the TPM has been powered, over all its life. */
  readonly clock: bigint;
  readonly resetCount: number;
  readonly restartCount: number;
  /** False if the clock may have run back, after power went without TPM2_Shutdown. */
  readonly safe: boolean;
}

/**
 * @param bytes TPMS_ATTEST, without the size of a TPM2B_ATTEST.
 * @throws CountersignError `TPM_REPLY_MALFORMED`, also if the structure was not made inside a TPM.
 */
export function parseAttest(bytes: Uint8Array): Attest {
  const attest = unmarshal(TPMS_ATTEST, bytes);
  if (attest.magic !== TPM_GENERATED.VALUE) {
    throw structureMalformed('TPMS_ATTEST', 'it does not begin with TPM_GENERATED_VALUE');
  }
  return {
    bytes: Uint8Array.from(bytes),
    qualifiedSigner: Uint8Array.from(attest.qualifiedSigner),
    extraData: Uint8Array.from(attest.extraData),
    clockInfo: clockInfoOf(attest.clockInfo),
    firmwareVersion: BigInt(attest.firmwareVersion),
    attested: attestedOf(attest),
  };
}

function attestedOf({ attested, type }: TPMS_ATTEST): Attested {
  if (attested instanceof TPMS_CERTIFY_INFO) {
    return {
      kind: 'certify',
      name: Uint8Array.from(attested.name),
      qualifiedName: Uint8Array.from(attested.qualifiedName),
    };
  }
  if (attested instanceof TPMS_CREATION_INFO) {
    return {
      kind: 'creation',
      objectName: Uint8Array.from(attested.objectName),
      creationHash: Uint8Array.from(attested.creationHash),
    };
  }
  if (attested instanceof TPMS_QUOTE_INFO) {
    return {
      kind: 'quote',
      pcrDigest: Uint8Array.from(attested.pcrDigest),
      banks: attested.pcrSelect.map(({ hash, pcrSelect }) => ({
        hash,
        selection: Uint8Array.from(pcrSelect),
      })),
    };
  }
  return { kind: 'other', type };
}

function clockInfoOf(info: TPMS_CLOCK_INFO): ClockInfo {
  if (info.safe > 1) throw structureMalformed('TPMS_CLOCK_INFO', `a yes or no in it is ${info.safe}`);
  return {
    clock: BigInt(info.clock),
    resetCount: info.resetCount,
    restartCount: info.restartCount,
    safe: info.safe === 1,
  };
}
