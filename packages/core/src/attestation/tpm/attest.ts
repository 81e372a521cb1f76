import type { CountersignError } from '../../errors.ts';
import { attestationRefused } from '../refusal.ts';
import { algorithmIds } from './algorithm-id.ts';
import { TpmReader } from './tpm-reader.ts';

/** What a TPM attests to: TPMS_ATTEST (TPM 2.0 part 2, 10.12.12) of TPM2_Certify or TPM2_Quote. */
export type TpmAttest = TpmCertifyAttest | TpmQuoteAttest;

export interface TpmCertifyAttest extends AttestHeader {
  readonly type: 'certify';
  /** Name of the object that is certified. */
  readonly name: Uint8Array;
  readonly qualifiedName: Uint8Array;
}

export interface TpmQuoteAttest extends AttestHeader {
  readonly type: 'quote';
  readonly pcrSelections: readonly PcrSelection[];
  /** Digest of the selected PCRs, under the hash of the signature. */
  readonly pcrDigest: Uint8Array;
}

export interface PcrSelection {
  /** TPM_ALG_ID of the bank. */
  readonly bank: number;
  readonly pcrs: readonly number[];
}

interface AttestHeader {
  /** What the signature covers: the octets as they came. */
  readonly bytes: Uint8Array;
  /** Qualified Name of the key that signed. */
  readonly qualifiedSigner: Uint8Array;
  /** The verifier's nonce. */
  readonly extraData: Uint8Array;
  readonly clock: TpmClock;
  readonly firmwareVersion: bigint;
}

/** TPMS_CLOCK_INFO. Other keys than those of the endorsement hierarchy see counters that are obfuscated. */
export interface TpmClock {
  /** Milliseconds that the TPM was powered. */
  readonly clockMs: bigint;
  readonly resetCount: number;
  readonly restartCount: number;
  /** Whether no greater value of the clock was reported before. */
  readonly isSafe: boolean;
}

const generatedByTpm = 0xff544347;
const certifyTag = 0x8017;
const quoteTag = 0x8018;

/** Octets of a Name at most: a name algorithm and a SHA-512 digest. */
const maxNameBytes = 66;

/**
 * @param bytes TPMS_ATTEST and nothing around it
 * @throws CountersignError `ATTESTATION_MAGIC_WRONG` if no TPM made it, `ATTESTATION_TYPE_WRONG` if it is neither of
 *   TPM2_Certify nor of TPM2_Quote, `ATTESTATION_MALFORMED`
 */
export function parseTpmAttest(bytes: Uint8Array): TpmAttest {
  const reader = new TpmReader(bytes, 'TPMS_ATTEST');
  const magic = reader.uint32();
  if (magic !== generatedByTpm) {
    throw attestationRefused(
      'ATTESTATION_MAGIC_WRONG',
      `the attestation begins with 0x${hex(magic, 8)}; expected 0x${hex(generatedByTpm, 8)}, without which no TPM made it`,
      'Send what TPM2_Certify returned.',
    );
  }
  const type = reader.uint16();
  if (type !== certifyTag && type !== quoteTag)
    throw wrongType(`of type 0x${hex(type, 4)}`, 'a key or a quote');
  const header: AttestHeader = {
    bytes: Uint8Array.from(bytes),
    qualifiedSigner: reader.sized(maxNameBytes),
    extraData: reader.sized(66),
    clock: {
      clockMs: reader.uint64(),
      resetCount: reader.uint32(),
      restartCount: reader.uint32(),
      isSafe: reader.yesNo(),
    },
    firmwareVersion: reader.uint64(),
  };
  const attest: TpmAttest =
    type === certifyTag
      ? {
          ...header,
          type: 'certify',
          name: reader.sized(maxNameBytes),
          qualifiedName: reader.sized(maxNameBytes),
        }
      : { ...header, type: 'quote', pcrSelections: readSelections(reader), pcrDigest: reader.sized(64) };
  reader.end();
  return attest;
}

/** @throws CountersignError `ATTESTATION_TYPE_WRONG` unless a key is certified; else as `parseTpmAttest` */
export function parseCertifyAttest(bytes: Uint8Array): TpmCertifyAttest {
  const attest = parseTpmAttest(bytes);
  if (attest.type !== 'certify') throw wrongType(`a ${attest.type}`, 'that of a key (TPM2_Certify)');
  return attest;
}

/** TPML_PCR_SELECTION: at most one selection per bank, of 24 PCRs or a few more. */
function readSelections(reader: TpmReader): PcrSelection[] {
  const count = reader.uint32();
  if (count > 16) throw reader.malformed(`${count} selections of PCRs stand there; at most 16 fit`);
  return Array.from({ length: count }, () => {
    const bank = reader.uint16();
    if (bank === algorithmIds.null) throw reader.malformed('a selection of PCRs names no bank');
    const octets = reader.octets(reader.uint8());
    if (octets.length > 4) throw reader.malformed(`a selection of PCRs has ${octets.length} octets`);
    const pcrs = Array.from({ length: octets.length * 8 }, (_, pcr) => pcr).filter(
      (pcr) => (((octets[pcr >> 3] ?? 0) >> (pcr & 7)) & 1) === 1,
    );
    return { bank, pcrs };
  });
}

function wrongType(found: string, expected: string): CountersignError {
  return attestationRefused(
    'ATTESTATION_TYPE_WRONG',
    `the attestation is ${found}; expected ${expected}`,
    'Have the TPM certify the key with TPM2_Certify.',
  );
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
