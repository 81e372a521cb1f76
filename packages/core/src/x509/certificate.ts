import { DerReader } from '../asn1/der-reader.ts';
import { contextConstructed, contextPrimitive, tag } from '../asn1/tag.ts';
import { CountersignError } from '../errors.ts';
import { PublicKey } from '../keys/public-key.ts';
import { readExtensions, type Extension } from './extension.ts';
import { Name } from './name.ts';
import { isSignedBy, readSigned, type SignedStructure } from './signed-structure.ts';

/** An X.509 v3 certificate (RFC 5280 4.1), parsed strictly; a signature is checked only by `isIssuedBy`. */
export class Certificate {
  readonly #signed: SignedStructure;
  /** Contents octets of the INTEGER. */
  readonly serialNumberOctets: Uint8Array;
  readonly issuer: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: Name;
  readonly publicKey: PublicKey;
  readonly extensions: readonly Extension[];

  private constructor(signed: SignedStructure) {
    this.#signed = signed;
    const tbs = DerReader.sequence(signed.toBeSigned, 'certificate');
    const version = tbs.at(contextConstructed(0)) ? readVersion(tbs.context(0)) : 0;
    // Version 3 is what every profile here needs extensions for; older ones are not worth two more code paths.
    if (version !== 2) throw tbs.malformed(`the certificate has version ${version + 1}; expected 3`);
    this.serialNumberOctets = readSerialNumber(tbs);
    const innerAlgorithm = tbs.element(tag.sequence);
    // RFC 5280 4.1.2.3: MUST contain the same algorithm identifier as the outer field.
    if (Buffer.compare(innerAlgorithm, signed.signatureAlgorithm) !== 0) {
      throw tbs.malformed('the signature algorithm inside differs from the one outside');
    }
    this.issuer = Name.read(tbs);
    // RFC 5280 4.1.2.4: MUST contain a non-empty distinguished name.
    if (this.issuer.isEmpty) throw tbs.malformed('the issuer is empty');
    const validity = tbs.sequence();
    this.notBefore = validity.time();
    this.notAfter = validity.time();
    validity.end();
    if (this.notAfter < this.notBefore) throw tbs.malformed('the validity ends before it begins');
    this.subject = Name.read(tbs);
    this.publicKey = PublicKey.parse(tbs.element(tag.sequence));
    // RFC 5280 4.1.2.8: conforming CAs do not write unique identifiers; readers should get past them.
    for (const n of [1, 2]) if (tbs.at(contextPrimitive(n))) tbs.contextContents(n);
    const explicit = tbs.context(3);
    this.extensions = readExtensions(explicit.sequence());
    explicit.end();
    tbs.end();
  }

  /**
   * @param der the certificate and nothing after it
   * @throws CountersignError `DER_MALFORMED`, `ALGORITHM_NOT_SUPPORTED`, `KEY_NOT_ACCEPTABLE`, `INPUT_TOO_LARGE`
   */
  static parse(der: Uint8Array): Certificate {
    return new Certificate(readSigned(DerReader.document(der, 'certificate')));
  }

  get der(): Uint8Array {
    return this.#signed.der;
  }

  /** The octets under the signature. */
  get tbsCertificate(): Uint8Array {
    return this.#signed.toBeSigned;
  }

  /** Lower-case hex of the serial number's octets: how the ledger and people name it. */
  get serialNumber(): string {
    return Buffer.from(this.serialNumberOctets).toString('hex');
  }

  /** extnValue contents, or undefined where the extension is absent. */
  extension(oid: string): Uint8Array | undefined {
    return this.extensions.find((extension) => extension.oid === oid)?.value;
  }

  /** Whether the issuer's name and key are those of `issuer`. Nothing is said of the issuer's own standing. */
  isIssuedBy(issuer: { readonly subject: Name; readonly publicKey: PublicKey }): boolean {
    return this.issuer.equals(issuer.subject) && this.isSignedBy(issuer.publicKey);
  }

  /** Whether this key made the signature, whoever it belongs to. */
  isSignedBy(publicKey: PublicKey): boolean {
    return isSignedBy(this.#signed, publicKey);
  }

  /**
   * @param role how the error names this certificate, such as "enrollment agent"
   * @throws CountersignError `CERTIFICATE_NOT_YET_VALID`, `CERTIFICATE_EXPIRED`; `VALUE_OUT_OF_RANGE` for an invalid Date
   */
  assertValidAt(at: Date, role: string): void {
    // An invalid Date is neither before nor after anything and would pass for a time in between.
    if (Number.isNaN(at.getTime())) {
      throw new CountersignError(
        'VALUE_OUT_OF_RANGE',
        `the validity of the ${role} certificate was to be checked at an invalid time`,
        'Check the clock.',
      );
    }
    if (at < this.notBefore) {
      throw new CountersignError(
        'CERTIFICATE_NOT_YET_VALID',
        `the ${role} certificate is valid from ${this.notBefore.toISOString()}; it is ${at.toISOString()}`,
        'Check the clock, or wait.',
        { adcs: 'CERT_E_EXPIRED' },
      );
    }
    if (at > this.notAfter) {
      throw new CountersignError(
        'CERTIFICATE_EXPIRED',
        `the ${role} certificate expired at ${this.notAfter.toISOString()}; it is ${at.toISOString()}`,
        'Renew the certificate.',
        { adcs: 'CERT_E_EXPIRED' },
      );
    }
  }
}

function readVersion(explicit: DerReader): number {
  const version = explicit.smallInteger();
  explicit.end();
  return version;
}

function readSerialNumber(tbs: DerReader): Uint8Array {
  const octets = tbs.integer();
  // RFC 5280 4.1.2.2: a positive integer of at most 20 octets.
  const isPositive = (octets[0] ?? 0) < 0x80 && octets.some((octet) => octet !== 0);
  if (!isPositive || octets.length > 20)
    throw tbs.malformed('the serial number is not positive or exceeds 20 octets');
  return octets;
}
