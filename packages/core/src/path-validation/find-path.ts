import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import type { OcspResponse } from '../ocsp/ocsp-response.ts';
import { assertNotRevoked } from '../revocation/assert-not-revoked.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificateList } from '../x509/certificate-list.ts';
import { namesMatch } from '../x509/name-matching.ts';
import {
  parseAuthorityKeyIdentifier,
  parseKeyUsage,
  parseSubjectKeyIdentifier,
} from '../x509/standard-extensions.ts';
import {
  validatePath,
  type CertificateIssuer,
  type PathValidationInputs,
  type TrustAnchor,
  type ValidatedPath,
} from './validate-path.ts';

export interface PathDiscoveryInputs extends Omit<PathValidationInputs, 'trustAnchor' | 'assertNotRevoked'> {
  readonly trustAnchors: readonly TrustAnchor[];
  /** CA certificates to build paths from, and those of CRL issuers. They are not trusted for being here. */
  readonly certificates: readonly Certificate[];
  /** CRLs with which every certificate of a path is checked. */
  readonly certificateLists?: readonly CertificateList[];
  /** OCSP responses that will do in place of CRLs. Revocation is not checked if both are absent. */
  readonly ocspResponses?: readonly OcspResponse[];
}

export interface FoundPath extends ValidatedPath {
  readonly trustAnchor: TrustAnchor;
  /** From the certificate that the anchor issued to the target. */
  readonly path: readonly Certificate[];
}

/**
 * Finds a certification path from a trust anchor to the target that is valid (RFC 5280 6, RFC 4158).
 * @throws CountersignError `PATH_NOT_FOUND` if no chain of names leads to an anchor; otherwise what `validatePath`
 *   refused the first candidate for, `CERTIFICATE_REVOKED`, `REVOCATION_UNKNOWN`
 */
export function findPath(target: Certificate, inputs: PathDiscoveryInputs): FoundPath {
  return new PathDiscovery(inputs, []).find(target);
}

/**
 * How long a path, how many steps of the search and how many candidates are worth trying: real hierarchies need a
 * handful, hostile ones have no end.
 */
const maxPathLength = 12;
const maxSteps = 512;
const maxCandidates = 64;

/** Indirect CRLs may need one another's issuers; more than a few in a row is an attack. */
const maxSignersInProgress = 4;

class PathDiscovery {
  readonly #inputs: PathDiscoveryInputs;
  /**
   * CRL issuers whose own standing is being found out. A list may speak of the one who signed it (PKITS 4.14.30): then it
   * is taken as signed by an issuer in good standing, which it denies if it lists that issuer.
   */
  readonly #inProgress: readonly Certificate[];
  #steps = 0;

  constructor(inputs: PathDiscoveryInputs, inProgress: readonly Certificate[]) {
    this.#inputs = inputs;
    this.#inProgress = inProgress;
  }

  find(target: Certificate): FoundPath {
    let firstFailure: CountersignError | undefined;
    let candidates = 0;
    for (const { trustAnchor, path } of this.#candidates([target])) {
      if (++candidates > maxCandidates) break;
      try {
        return { trustAnchor, path, ...this.#validate(trustAnchor, path) };
      } catch (error) {
        if (!(error instanceof CountersignError)) throw error;
        firstFailure ??= error;
      }
    }
    throw firstFailure ?? notFound(target);
  }

  /** Every chain of names from the target up to an anchor, best guesses first. */
  *#candidates(
    path: readonly Certificate[],
  ): Generator<{ trustAnchor: TrustAnchor; path: readonly Certificate[] }> {
    const [top] = path;
    if (top === undefined || ++this.#steps > maxSteps) return;
    for (const trustAnchor of this.#inputs.trustAnchors) {
      if (namesMatch(top.issuer, trustAnchor.subject)) yield { trustAnchor, path };
    }
    if (path.length === maxPathLength) return;
    for (const issuer of this.#issuersOf(top)) {
      if (!path.some((other) => isSame(other, issuer))) yield* this.#candidates([issuer, ...path]);
    }
  }

  #issuersOf(certificate: Certificate): Certificate[] {
    const named = this.#inputs.certificates.filter((candidate) =>
      namesMatch(candidate.subject, certificate.issuer),
    );
    const likely = named.filter((candidate) => keyIdentifiersFit(certificate, candidate));
    return [...likely, ...named.filter((candidate) => !likely.includes(candidate))];
  }

  #validate(trustAnchor: TrustAnchor, path: readonly Certificate[]): ValidatedPath {
    const { at, certificates, certificateLists, ocspResponses } = this.#inputs;
    if (certificateLists === undefined && ocspResponses === undefined)
      return validatePath(path, { ...this.#inputs, trustAnchor });
    return validatePath(path, {
      ...this.#inputs,
      trustAnchor,
      assertNotRevoked: (certificate, issuer) => {
        assertNotRevoked(certificate, issuer, {
          at,
          certificates,
          certificateLists,
          ocspResponses,
          isTrusted: (list) => this.#isTrustedList(list, trustAnchor, issuer),
        });
      },
    });
  }

  /**
   * RFC 5280 6.3.3 (f), (g): the list's signer is the issuer at hand, the anchor, or someone of the list issuer's name
   * with a path of its own to the same anchor.
   */
  #isTrustedList(list: CertificateList, trustAnchor: TrustAnchor, issuer: CertificateIssuer): boolean {
    const known: CertificateIssuer[] = [issuer, { ...trustAnchor, certificate: undefined }];
    if (
      known.some(
        (signer) =>
          namesMatch(signer.subject, list.issuer) &&
          maySignLists(signer.certificate) &&
          list.isSignedBy(signer.publicKey),
      )
    ) {
      return true;
    }
    return this.#inputs.certificates.some(
      (signer) =>
        namesMatch(signer.subject, list.issuer) &&
        maySignLists(signer) &&
        list.isSignedBy(signer.publicKey) &&
        this.#isTrustedSigner(signer, trustAnchor),
    );
  }

  #isTrustedSigner(signer: Certificate, trustAnchor: TrustAnchor): boolean {
    if (this.#inProgress.length === maxSignersInProgress) return false;
    if (this.#inProgress.some((other) => isSame(other, signer))) return true;
    const { at, certificates, certificateLists, ocspResponses } = this.#inputs;
    const inputs = {
      at,
      certificates,
      trustAnchors: [trustAnchor],
      ...(certificateLists && { certificateLists }),
      ...(ocspResponses && { ocspResponses }),
    };
    try {
      new PathDiscovery(inputs, [...this.#inProgress, signer]).find(signer);
      return true;
    } catch (error) {
      if (error instanceof CountersignError) return false;
      throw error;
    }
  }
}

function maySignLists(certificate: Certificate | undefined): boolean {
  const value = certificate?.extension(oids.keyUsage);
  return value === undefined || parseKeyUsage(value).includes('cRLSign');
}

function keyIdentifiersFit(certificate: Certificate, issuer: Certificate): boolean {
  const authority = certificate.extension(oids.authorityKeyIdentifier);
  const subject = issuer.extension(oids.subjectKeyIdentifier);
  if (authority === undefined || subject === undefined) return true;
  const wanted = parseAuthorityKeyIdentifier(authority);
  return wanted === undefined || Buffer.compare(wanted, parseSubjectKeyIdentifier(subject)) === 0;
}

function isSame(a: Certificate, b: Certificate): boolean {
  return Buffer.compare(a.der, b.der) === 0;
}

function notFound(target: Certificate): CountersignError {
  return new CountersignError(
    'PATH_NOT_FOUND',
    `no chain of issuers leads from the certificate ${target.serialNumber} of ${target.subject.toString()} to a trust anchor`,
    'Give the CA certificates between the two, or trust another anchor.',
    { adcs: 'CERT_E_CHAINING' },
  );
}
