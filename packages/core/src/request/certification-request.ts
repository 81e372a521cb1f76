import { DerReader } from '../asn1/der-reader.ts';
import { CountersignError } from '../errors.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { parseSignatureAlgorithm } from '../keys/signature-algorithm.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { oids } from '../object-identifiers.ts';
import { readExtensions, type Extension } from '../x509/extension.ts';
import type { Name } from '../x509/name.ts';
import { isSignedBy, readSigned, type SignedStructure } from '../x509/signed-structure.ts';
import { userPrincipalNamesIn } from '../x509/microsoft-extensions.ts';
import { parseSubjectAltName } from '../x509/standard-extensions.ts';
import { parseCertificationRequestInfo, type Attribute } from './certification-request-info.ts';

/** A PKCS#10 certification request (RFC 2986), parsed strictly. Everything in it is the requester's word. */
export class CertificationRequest {
  readonly #signed: SignedStructure;
  readonly subject: Name;
  readonly publicKey: PublicKey;
  readonly attributes: readonly Attribute[];
  /** What the requester would like in the certificate (RFC 2985 5.4.2). */
  readonly extensionRequests: readonly Extension[];

  private constructor(signed: SignedStructure) {
    this.#signed = signed;
    const { subject, publicKey, attributes } = parseCertificationRequestInfo(signed.toBeSigned);
    this.subject = subject;
    this.publicKey = publicKey;
    this.attributes = attributes;
    this.extensionRequests = readExtensionRequests(this.attributes);
  }

  /**
   * @param der the request and nothing after it
   * @throws CountersignError `DER_MALFORMED`, `ALGORITHM_NOT_SUPPORTED`, `KEY_NOT_ACCEPTABLE`, `INPUT_TOO_LARGE`
   */
  static parse(der: Uint8Array): CertificationRequest {
    return new CertificationRequest(readSigned(DerReader.document(der, 'certification request')));
  }

  get der(): Uint8Array {
    return this.#signed.der;
  }

  /** The octets under the signature: CertificationRequestInfo, DER. */
  get certificationRequestInfo(): Uint8Array {
    return this.#signed.toBeSigned;
  }

  get scheme(): SignatureScheme {
    return parseSignatureAlgorithm(this.#signed.signatureAlgorithm);
  }

  get signature(): Uint8Array {
    return this.#signed.signature;
  }

  /** The UPNs that the request asks to have in the subject alternative name. */
  get userPrincipalNames(): string[] {
    return this.extensionRequests
      .filter(({ oid }) => oid === oids.subjectAltName)
      .flatMap(({ value }) => userPrincipalNamesIn(parseSubjectAltName(value)));
  }

  /**
   * Verifies that whoever made the request holds the private key (RFC 2986 3).
   * @throws CountersignError `PROOF_OF_POSSESSION_INVALID`, `ALGORITHM_NOT_SUPPORTED`, `SCHEME_NOT_SUPPORTED`
   */
  verifyProofOfPossession(): void {
    if (isSignedBy(this.#signed, this.publicKey)) return;
    throw new CountersignError(
      'PROOF_OF_POSSESSION_INVALID',
      'the signature on the certification request was not made by the key inside it, or the request was altered',
      'Make the request anew with the private key that belongs to its public key.',
      { adcs: 'NTE_BAD_SIGNATURE' },
    );
  }
}

function readExtensionRequests(attributes: readonly Attribute[]): Extension[] {
  const requests = attributes.filter(
    ({ type }) => type === oids.extensionRequest || type === oids.microsoftExtensionRequest,
  );
  const [request, ...others] = requests;
  if (request === undefined) return [];
  const [value, ...otherValues] = request.values;
  // RFC 2985 5.4.2 makes the attribute single-valued; two lists could contradict each other.
  if (value === undefined || others.length > 0 || otherValues.length > 0) {
    throw new CountersignError(
      'DER_MALFORMED',
      'the certification request has more than one list of requested extensions; expected one at most',
      'Make the request with a single extensionRequest attribute.',
      { adcs: 'ERROR_INVALID_DATA' },
    );
  }
  return readExtensions(DerReader.sequence(value, 'requested extensions'));
}
