import type { Change } from './countersignature-forger.ts';

/** A countersigned request that the CA must refuse, with what it must say. */
export interface Refused {
  readonly because: string;
  readonly change: Change;
  readonly code: string;
  readonly adcs: { readonly symbol: string; readonly hresult: number };
}

// HRESULTs as MS-ERREF 2.1.1 lists them.
const badSignature = { symbol: 'NTE_BAD_SIGNATURE', hresult: 0x80090006 };
const invalidData = { symbol: 'ERROR_INVALID_DATA', hresult: 0x8007000d };
const badSubject = { symbol: 'CERTSRV_E_BAD_REQUESTSUBJECT', hresult: 0x80094001 };

export const malformed = { code: 'DER_MALFORMED', adcs: invalidData };
export const wrongContent = {
  code: 'DER_MALFORMED',
  adcs: { symbol: 'CRYPT_E_INVALID_MSG_TYPE', hresult: 0x80091004 },
};
export const noSigner = {
  code: 'REQUEST_NOT_COUNTERSIGNED',
  adcs: { symbol: 'CRYPT_E_NO_SIGNER', hresult: 0x8009200e },
};
export const signatureInvalid = { code: 'SIGNATURE_INVALID', adcs: badSignature };
export const noProofOfPossession = { code: 'PROOF_OF_POSSESSION_INVALID', adcs: badSignature };
export const algorithmNotSupported = { code: 'ALGORITHM_NOT_SUPPORTED', adcs: badSignature };
export const schemeNotSupported = { code: 'SCHEME_NOT_SUPPORTED', adcs: badSignature };
export const requesterMismatch = { code: 'REQUESTER_MISMATCH', adcs: badSubject };
