import { CountersignError } from '../errors.ts';
import type { PublicKey } from '../keys/public-key.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Name } from '../x509/name.ts';
import { namesMatch } from '../x509/name-matching.ts';
import { PermittedNames } from './name-constraints.ts';
import { assertMayIssue, assertPurpose, assertExtensionsProcessed } from './certificate-roles.ts';
import { PolicyState } from './policy-state.ts';

/** A name and a key that are trusted without a certificate path of their own. */
export interface TrustAnchor {
  readonly subject: Name;
  readonly publicKey: PublicKey;
}

/** The inputs of RFC 5280 6.1.1 beside the path. */
export interface PathValidationInputs {
  readonly trustAnchor: TrustAnchor;
  readonly at: Date;
  /** Policies of which one must hold; every policy is welcome if absent. */
  readonly userInitialPolicySet?: ReadonlySet<string>;
  readonly initialPolicyMappingInhibit?: boolean;
  readonly initialExplicitPolicy?: boolean;
  readonly initialAnyPolicyInhibit?: boolean;
  /** Extended key usage that the target must have, and every CA that restricts itself must allow. */
  readonly purpose?: string;
  /** Extensions of the target, by OID, that the caller processes: they may be critical. */
  readonly targetExtensionsProcessed?: ReadonlySet<string>;
  /**
   * Called for each certificate whose other checks hold, first the one next to the anchor, with the issuer that signed
   * it; throws if the certificate is revoked or its status cannot be told. Nothing is checked if absent.
   */
  readonly assertNotRevoked?: (certificate: Certificate, issuer: CertificateIssuer) => void;
}

/** Who signed a certificate of a path: the anchor, or the certificate before. */
export interface CertificateIssuer extends TrustAnchor {
  /** Undefined for an anchor that came without one. */
  readonly certificate: Certificate | undefined;
}

export interface ValidatedPath {
  /** The policies that hold for the path, in the anchor's domain; anyPolicy among them if all do. */
  readonly policies: ReadonlySet<string>;
}

/**
 * Validates a certification path (RFC 5280 6.1, with the policy graph of RFC 9618).
 * @param path the certificate that the anchor issued first, the target last; the anchor's own is not in it
 * @throws CountersignError `PATH_NOT_FOUND` if the path is empty, `CERTIFICATE_NOT_TRUSTED` if names or keys do not chain,
 *   `SIGNATURE_INVALID`, `CERTIFICATE_EXPIRED`, `CERTIFICATE_NOT_YET_VALID`, `ISSUER_NOT_ACCEPTABLE`, `PATH_TOO_LONG`,
 *   `NAME_NOT_PERMITTED`, `POLICY_NOT_SATISFIED`, `PURPOSE_NOT_PERMITTED`, `EXTENSION_NOT_PROCESSED`, `DER_MALFORMED`
 *   for an extension that does not parse, and what `assertNotRevoked` throws
 */
export function validatePath(path: readonly Certificate[], inputs: PathValidationInputs): ValidatedPath {
  const { trustAnchor, at } = inputs;
  const target = path.at(-1);
  if (target === undefined) throw emptyPath();
  const policies = new PolicyState(path.length, inputs);
  let permittedNames = PermittedNames.all;
  let maxPathLength = path.length;
  let issuer: CertificateIssuer = { ...trustAnchor, certificate: undefined };

  for (const [i, certificate] of path.entries()) {
    const isTarget = i === path.length - 1;
    const isSelfIssued = namesMatch(certificate.subject, certificate.issuer);
    // 6.1.3 (a): signature, validity, revocation, name chaining.
    assertIssuedBy(certificate, issuer);
    certificate.assertValidAt(at, isTarget ? 'target' : 'CA');
    // 6.1.3 (b), (c): self-issued certificates bind the CA's own name again and are let through, except the target.
    if (isTarget || !isSelfIssued) permittedNames.assertAllow(certificate);
    policies.process(certificate, { isTarget, isSelfIssued });
    assertExtensionsProcessed(certificate, isTarget ? inputs.targetExtensionsProcessed : undefined);
    if (inputs.purpose !== undefined) assertPurpose(certificate, inputs.purpose, isTarget);
    if (!isTarget) {
      // 6.1.4 (k), (n): this certificate is an issuer now.
      const constraints = assertMayIssue(certificate);
      permittedNames = permittedNames.constrainedBy(certificate);
      // 6.1.4 (l), (m).
      if (!isSelfIssued && maxPathLength-- <= 0) throw pathTooLong(certificate);
      maxPathLength = Math.min(maxPathLength, constraints.pathLenConstraint ?? maxPathLength);
      policies.prepareForNext(certificate, isSelfIssued);
    }
    inputs.assertNotRevoked?.(certificate, issuer);
    issuer = { subject: certificate.subject, publicKey: certificate.publicKey, certificate };
  }
  return { policies: policies.wrapUp(target) };
}

function assertIssuedBy(certificate: Certificate, issuer: CertificateIssuer): void {
  if (!namesMatch(certificate.issuer, issuer.subject)) {
    throw new CountersignError(
      'CERTIFICATE_NOT_TRUSTED',
      `the certificate ${certificate.serialNumber} names ${certificate.issuer.toString()} as its issuer; in the path it follows ${issuer.subject.toString()}`,
      'Give the certificates of the path in order, the one that the trust anchor issued first.',
      { adcs: 'CERT_E_CHAINING' },
    );
  }
  if (certificate.isSignedBy(issuer.publicKey)) return;
  throw new CountersignError(
    'SIGNATURE_INVALID',
    `the signature on the certificate ${certificate.serialNumber} was not made by the key of ${issuer.subject.toString()}`,
    "Check that the certificate is unaltered and that the issuer's certificate is the right one.",
    { adcs: 'TRUST_E_CERT_SIGNATURE' },
  );
}

function emptyPath(): CountersignError {
  return new CountersignError(
    'PATH_NOT_FOUND',
    'the certification path is empty; expected one certificate or more',
    'Give the certificate that is to be validated.',
  );
}

function pathTooLong(certificate: Certificate): CountersignError {
  return new CountersignError(
    'PATH_TOO_LONG',
    `a path length constraint above it does not allow the CA certificate ${certificate.serialNumber} of ${certificate.subject.toString()}`,
    'Have a CA issue the certificate that stands higher.',
    { adcs: 'CERT_E_PATHLENCONST' },
  );
}
