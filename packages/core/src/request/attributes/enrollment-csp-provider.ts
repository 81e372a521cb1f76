import { DerReader } from '../../asn1/der-reader.ts';
import { bitString, bmpString, integer, sequence } from '../../asn1/der-writer.ts';

/** Where the client keeps the key (szOID_ENROLLMENT_CSP_PROVIDER, MS-WCCE 2.2.2.7.2). */
export interface EnrollmentCspProvider {
  /** 1 for key exchange, 2 for signatures, 0 where the provider does not tell them apart (CryptoAPI's AT_ constants). */
  readonly keySpec: number;
  readonly cspName: string;
  /** Of no use to anyone; empty in requests of today's Windows. */
  readonly signature: Uint8Array;
}

export function parseEnrollmentCspProvider(value: Uint8Array): EnrollmentCspProvider {
  const reader = DerReader.sequence(value, 'enrollment CSP provider attribute');
  const keySpec = reader.smallInteger();
  const cspName = reader.bmpString();
  const signature = reader.octetAlignedBitString();
  reader.end();
  return { keySpec, cspName, signature };
}

export function encodeEnrollmentCspProvider(provider: EnrollmentCspProvider): Uint8Array {
  return sequence(integer(provider.keySpec), bmpString(provider.cspName), bitString(provider.signature));
}
