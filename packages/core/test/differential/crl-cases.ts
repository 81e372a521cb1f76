import { isRevocationReason, revocationReasonCodes, type RevokedEntry } from '@countersign/core';
import * as fc from 'fast-check';
import { keyIdentifier, rootAt } from './certificate-cases.ts';
import { element, sequence } from './der.ts';
import { distinguishedName, type DistinguishedName } from './distinguished-names.ts';
import { signerFrom, type Signer } from './software-key.ts';
import { hex, octets, type CrlValues } from './values.ts';

/** What a CRL is to say. */
export interface CrlCase {
  readonly ca: Signer;
  readonly caName: DistinguishedName;
  readonly thisUpdate: Date;
  readonly validityMs: number;
  readonly crlNumber: number;
  readonly revoked: readonly RevokedEntry[];
}

export function crlCase(signers: readonly Signer[]): fc.Arbitrary<CrlCase> {
  const entry = fc.record({
    serialNumber: serialNumber(),
    revokedAt: rootAt,
    reason: fc.constantFrom(...Object.keys(revocationReasonCodes).filter(isRevocationReason)),
  });
  return fc.record({
    ca: signerFrom(signers),
    caName: distinguishedName(),
    thisUpdate: rootAt,
    validityMs: fc.integer({ min: 1000, max: 40 * 86_400_000 }),
    crlNumber: fc.integer({ min: 1, max: 0x7fffffff }),
    revoked: fc.uniqueArray(entry, {
      maxLength: 12,
      size: 'medium',
      selector: ({ serialNumber: serial }) => serial,
    }),
  });
}

/** Contents of a positive INTEGER of 1 to 20 octets, as short as can be (RFC 5280 4.1.2.2, X.690 8.3.2). */
export function serialNumber(): fc.Arbitrary<string> {
  return fc.bigInt({ min: 1n, max: 2n ** 159n - 1n }).chain((large) =>
    fc.nat({ max: 19 }).map((octetsLess) => {
      const number = large >> BigInt(8 * octetsLess);
      const digits = (number === 0n ? 1n : number).toString(16);
      const even = digits.length % 2 === 0 ? digits : `0${digits}`;
      return Number.parseInt(even.slice(0, 2), 16) < 0x80 ? even : `00${even}`;
    }),
  );
}

/** What every reader must find in the CRL that was made of a case. */
export function expectedCrl({ ca, caName, thisUpdate, validityMs, crlNumber, revoked }: CrlCase): CrlValues {
  const authorityKeyIdentifier = keyIdentifier(hex(ca.key.publicKey));
  const keyIdentifierOnly = sequence(element(0x80, octets(authorityKeyIdentifier)));
  return {
    issuer: caName,
    thisUpdate: inWholeSeconds(thisUpdate),
    nextUpdate: inWholeSeconds(new Date(thisUpdate.getTime() + validityMs)),
    crlNumber,
    authorityKeyIdentifier,
    extensions: [
      { oid: '2.5.29.35', critical: false, value: hex(keyIdentifierOnly) },
      { oid: '2.5.29.20', critical: false, value: hex(element(0x02, octets(integerContents(crlNumber)))) },
    ],
    entries: revoked.map(({ serialNumber: serial, revokedAt, reason }) => ({
      serialNumber: serial,
      revokedAt: inWholeSeconds(revokedAt),
      reason: revocationReasonCodes[reason],
    })),
    verifies: true,
  };
}

/** RFC 5280 4.1.2.5: times in certificates and CRLs have no fraction of a second. */
function inWholeSeconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, '.000Z');
}

function integerContents(number: number): string {
  const digits = number.toString(16);
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  return Number.parseInt(even.slice(0, 2), 16) < 0x80 ? even : `00${even}`;
}
