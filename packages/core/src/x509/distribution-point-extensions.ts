import { DerReader } from '../asn1/der-reader.ts';
import { contextConstructed, contextPrimitive } from '../asn1/tag.ts';
import { readGeneralNames, type GeneralName } from './general-name.ts';

/** Readers of the extensions that tie certificates to CRLs; each takes extnValue contents. */

/** Where a CRL is found: names, or an RDN (SET contents, DER) to be put below the name of the CRL's issuer. */
export type DistributionPointName =
  | { readonly kind: 'fullName'; readonly names: readonly GeneralName[] }
  | { readonly kind: 'nameRelativeToCRLIssuer'; readonly rdn: Uint8Array };

/** ReasonFlags (RFC 5280 4.2.1.13), bits 1 to 8; bit 0 is unused. */
export const allReasons: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 8]);

export interface DistributionPoint {
  readonly name: DistributionPointName | undefined;
  readonly reasons: ReadonlySet<number>;
  readonly cRLIssuer: readonly GeneralName[] | undefined;
}

/** RFC 5280 4.2.1.13, and 4.2.1.15 for freshestCRL, which has the same syntax. */
export function parseDistributionPoints(value: Uint8Array): DistributionPoint[] {
  const reader = DerReader.sequence(value, 'CRL distribution points extension');
  const points: DistributionPoint[] = [];
  while (!reader.done) {
    const point = reader.sequence();
    const name = readOptionalName(point);
    const reasons = readOptionalReasons(point, 1);
    const cRLIssuer = point.at(contextConstructed(2)) ? readGeneralNames(point.context(2)) : undefined;
    point.end();
    // "a DistributionPoint MUST NOT consist of only the reasons field"
    if (name === undefined && cRLIssuer === undefined) {
      throw reader.malformed('a distribution point has neither name nor CRL issuer');
    }
    points.push({ name, reasons, cRLIssuer });
  }
  if (points.length === 0) throw reader.malformed('CRLDistributionPoints holds no distribution point');
  return points;
}

export interface IssuingDistributionPoint {
  readonly name: DistributionPointName | undefined;
  readonly onlyContainsUserCerts: boolean;
  readonly onlyContainsCACerts: boolean;
  readonly onlySomeReasons: ReadonlySet<number>;
  readonly indirectCRL: boolean;
  readonly onlyContainsAttributeCerts: boolean;
}

/** RFC 5280 5.2.5. */
export function parseIssuingDistributionPoint(value: Uint8Array): IssuingDistributionPoint {
  const reader = DerReader.sequence(value, 'issuing distribution point extension');
  const point = {
    name: readOptionalName(reader),
    onlyContainsUserCerts: readFlag(reader, 1),
    onlyContainsCACerts: readFlag(reader, 2),
    onlySomeReasons: readOptionalReasons(reader, 3),
    indirectCRL: readFlag(reader, 4),
    onlyContainsAttributeCerts: readFlag(reader, 5),
  };
  reader.end();
  const scopes = [point.onlyContainsUserCerts, point.onlyContainsCACerts, point.onlyContainsAttributeCerts];
  if (scopes.filter(Boolean).length > 1)
    throw reader.malformed('the CRL is for several kinds of certificates only');
  return point;
}

function readOptionalName(reader: DerReader): DistributionPointName | undefined {
  if (!reader.at(contextConstructed(0))) return undefined;
  const explicit = reader.context(0);
  const name: DistributionPointName = explicit.at(contextConstructed(0))
    ? { kind: 'fullName', names: readGeneralNames(explicit.context(0)) }
    : { kind: 'nameRelativeToCRLIssuer', rdn: explicit.contents(contextConstructed(1)) };
  explicit.end();
  return name;
}

function readOptionalReasons(reader: DerReader, n: number): ReadonlySet<number> {
  if (!reader.at(contextPrimitive(n))) return allReasons;
  const bits = reader.namedBits(contextPrimitive(n));
  const reasons = new Set([...allReasons].filter((bit) => bits[bit] === true));
  if (reasons.size === 0 || bits.length > 9)
    throw reader.malformed('ReasonFlags holds no reason, or unknown ones');
  return reasons;
}

/** BOOLEAN DEFAULT FALSE (X.690 11.5). */
function readFlag(reader: DerReader, n: number): boolean {
  if (!reader.at(contextPrimitive(n))) return false;
  if (!reader.boolean(contextPrimitive(n))) throw reader.malformed('FALSE stands where DER leaves it out');
  return true;
}
