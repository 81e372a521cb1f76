import { createHash } from 'node:crypto';
import { BitString, fromBER, Sequence } from 'asn1js';
import * as fc from 'fast-check';
import { distinguishedName, type DistinguishedName } from './distinguished-names.ts';
import { letters, userPrincipalName } from './request-cases.ts';
import { signerFrom, type Signer } from './software-key.ts';
import { hex, octets } from './values.ts';

/** Everything that a CA certificate and one certificate of each other profile come from. */
export interface ChainCase {
  readonly ca: Signer;
  readonly agent: Signer;
  readonly user: Signer;
  readonly kdc: Signer;
  readonly caName: DistinguishedName;
  readonly agentName: DistinguishedName;
  readonly userName: DistinguishedName;
  readonly upn: string;
  readonly sid: string;
  readonly account: string;
  readonly template: { readonly oid: string; readonly majorVersion: number; readonly minorVersion: number };
  readonly realm: string;
  readonly hostName: string;
  readonly crlUris: readonly string[];
  readonly caIssuersUris: readonly string[];
  /** When the CA certificate is made, and how much later the others are. */
  readonly rootAt: Date;
  readonly issuedAfterMs: number;
}

export function chainCase(signers: readonly Signer[]): fc.Arbitrary<ChainCase> {
  // RFC 8419 ties Ed25519 in CMS to rules of its own, and core signs no CMS with it.
  const cmsSigners = signers.filter(({ scheme }) => scheme !== 'ed25519');
  const anyChain = fc.record({
    ca: signerFrom(signers),
    agent: signerFrom(cmsSigners),
    user: signerFrom(signers),
    kdc: signerFrom(signers),
    caName: distinguishedName(),
    agentName: distinguishedName(),
    userName: distinguishedName(),
    upn: userPrincipalName,
    sid: fc
      .array(fc.nat({ max: 0xffffffff }), { minLength: 3, maxLength: 3 })
      .map((parts) => `S-1-5-21-${parts.join('-')}-1105`),
    account: accountName,
    template: fc.record({
      oid: fc.nat({ max: 0x7fffffff }).map((number) => `1.3.6.1.4.1.311.21.8.${number}.16384`),
      majorVersion: fc.nat({ max: 0x7fffffff }),
      minorVersion: fc.nat({ max: 0x7fffffff }),
    }),
    realm: fc.stringMatching(/^[A-Z0-9]{1,12}\.EXAMPLE$/),
    hostName: fc.stringMatching(/^[a-z0-9]{1,12}\.[a-z0-9]{1,12}\.example$/),
    crlUris: uris,
    caIssuersUris: uris,
    rootAt,
    issuedAfterMs: fc.nat({ max: 9 * 365 * 86_400_000 }),
  });
  // A certificate whose issuer and subject match is self-issued, and verifiers look no further for its issuer.
  return anyChain.filter(
    ({ caName, agentName, userName, ca, agent, user, kdc }) =>
      comparable(caName) !== comparable(agentName) &&
      comparable(caName) !== comparable(userName) &&
      // The CA certifies no key for two owners.
      new Set([ca, agent, user, kdc].map(({ key }) => hex(key.publicKey))).size === 4,
  );
}

/** RFC 5280 7.1: names are compared without regard to case and to white space at the ends. */
function comparable(name: DistinguishedName): string {
  return JSON.stringify(name.map((rdn) => rdn.map(([oid, text]) => [oid, text.trim().toLowerCase()])));
}

/** UTCTime and GeneralizedTime, with a liking for where one takes over from the other. */
export const rootAt: fc.Arbitrary<Date> = fc.oneof(
  fc.date({
    min: new Date('1951-01-01T00:00:00Z'),
    max: new Date('2120-01-01T00:00:00Z'),
    noInvalidDate: true,
  }),
  fc.date({
    min: new Date('2039-12-30T00:00:00Z'),
    max: new Date('2050-01-03T00:00:00Z'),
    noInvalidDate: true,
  }),
);

/** `DOMAIN\account` in letters of the Basic Multilingual Plane, which is what a BMPString can hold. */
const accountName: fc.Arbitrary<string> = fc
  .tuple(
    fc.stringMatching(/^[A-Z]{1,15}$/),
    fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 20 }),
  )
  .map(([domain, account]) => `${domain}\\${account}`);

const uris: fc.Arbitrary<string[]> = fc.array(
  fc.webUrl({ withQueryParameters: true, validSchemes: ['http', 'ldap'] }),
  {
    maxLength: 3,
  },
);

/** RFC 5280 4.2.1.2 method (1), from a SubjectPublicKeyInfo. */
export function keyIdentifier(subjectPublicKeyInfo: string): string {
  const { result } = fromBER(octets(subjectPublicKeyInfo));
  const bits = result instanceof Sequence ? result.valueBlock.value[1] : undefined;
  if (!(bits instanceof BitString)) throw new TypeError('not a SubjectPublicKeyInfo');
  return createHash('sha1').update(bits.valueBlock.valueHexView).digest('hex');
}
