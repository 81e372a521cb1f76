import { createHash } from 'node:crypto';
import type { AttestationOutcome } from '../attestation/attestation-policy.ts';
import type { RequestAttestation } from '../attestation/request-attestation.ts';
import type { Directory, DirectoryUser } from '../directory/directory.ts';
import { CountersignError } from '../errors.ts';
import { assertGoodKey, type KeyPolicy } from '../key-quality/assert-good-key.ts';
import type { Key } from '../keys/key-provider.ts';
import { preferredScheme } from '../keys/preferred-scheme.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { assertNamesNobodyElse } from '../request/assert-names-nobody-else.ts';
import { CertificationRequest } from '../request/certification-request.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { Certificate } from '../x509/certificate.ts';
import type { CertificateTemplate } from '../x509/microsoft-extensions.ts';
import type { RevocationReason } from '../x509/revocation-reason.ts';
import { assertCrlsPossible } from './assert-crls-possible.ts';
import { assertCaCertificate } from './ca-certificate.ts';
import { CrlPublisher, type CrlOptions } from './crl-publisher.ts';
import { assertAsksForNoMore } from './issuance/assert-asks-for-no-more.ts';
import { authenticateAgent } from './issuance/authenticate-agent.ts';
import { authenticateHolder } from './issuance/authenticate-holder.ts';
import { authorizeAgent, type EnrollmentAgentRight } from './issuance/authorize-agent.ts';
import { issueCertificate, type Issuance } from './issuance/issue-certificate.ts';
import { CertificatePreparer } from './issuance/prepare-certificate.ts';
import { readSignedRequest, type AgentRequest, type RenewalRequest } from './issuance/read-signed-request.ts';
import { resolveRenewal } from './issuance/resolve-renewal.ts';
import { resolveSubject } from './issuance/resolve-subject.ts';
import type { Ledger } from './ledger.ts';
import { assertProfilesPossible } from './profiles/assert-profiles-possible.ts';
import { contentsOf } from './profiles/contents-of.ts';
import { profileNames, type CertificateOrder, type Issuer, type ProfileName } from './profiles/profile.ts';

export interface CertificationAuthorityOptions extends CrlOptions {
  /** The CA's key, unlocked. */
  readonly key: Key;
  readonly certificate: Certificate;
  /** Where subjects come from. */
  readonly directory: Directory;
  readonly ledger: Ledger;
  /** The template that `hello-logon` certificates name. */
  readonly helloLogonTemplate: CertificateTemplate;
  /** Absolute http or ldap URIs at which certificates say that the CRL and the CA's certificate are. */
  readonly crlUris: readonly string[];
  readonly caIssuersUris: readonly string[];
  /** Where certificates say that an OCSP responder is. */
  readonly ocspUris?: readonly string[];
  /** What this CA issues; every profile if absent. Each must be possible for its certificate. */
  readonly profiles?: readonly ProfileName[];
  /** What each enrollment agent may do. If absent, every agent of this CA may enroll everyone but protected accounts. */
  readonly agentRights?: readonly EnrollmentAgentRight[];
  /** Which keys are good enough to certify; every algorithm and no blocklist if absent. */
  readonly keyPolicy?: KeyPolicy;
  /**
   * Whether users' keys must be proved to be in a TPM, and how certificates say that they were; evidence is not looked at
   * if absent.
   */
  readonly attestation?: RequestAttestation | undefined;
  /** The key's first choice if absent. */
  readonly scheme?: SignatureScheme;
  readonly clock?: () => Date;
}

/** A request that an operator approved in person, in place of an enrollment agent. */
export type OperatorOrder = Exclude<CertificateOrder, { profile: 'hello-logon' }>;

/**
 * Issues certificates. Each passes named steps, any of which may refuse; nothing is returned that the ledger has not
 * made durable, and every decision stands in the ledger's audit.
 */
export class CertificationAuthority {
  readonly #issuance: Issuance;
  readonly #directory: Directory;
  readonly #template: CertificateTemplate;
  readonly #profiles: readonly ProfileName[];
  readonly #agentRights: readonly EnrollmentAgentRight[] | undefined;
  readonly #keyPolicy: KeyPolicy | undefined;
  readonly #attestation: RequestAttestation | undefined;
  readonly #preparer: CertificatePreparer;
  readonly #crls: CrlPublisher;
  readonly #clock: () => Date;

  /**
   * @throws CountersignError `ISSUER_NOT_ACCEPTABLE` if the certificate is not a CA's, not this key's, or none under which
   *   the profiles are possible
   */
  constructor(options: CertificationAuthorityOptions) {
    const { key, certificate, ledger } = options;
    const scheme = options.scheme ?? preferredScheme(key);
    assertCaCertificate(certificate, key);
    this.#profiles = options.profiles ?? profileNames;
    const issuer: Issuer = options;
    assertProfilesPossible(issuer, this.#profiles);
    assertCrlsPossible(issuer.crlUris, options);
    this.#issuance = { key, scheme, issuer: certificate, ledger };
    this.#directory = options.directory;
    this.#template = options.helloLogonTemplate;
    this.#agentRights = options.agentRights;
    this.#keyPolicy = options.keyPolicy;
    this.#attestation = options.attestation;
    this.#preparer = new CertificatePreparer(issuer, scheme);
    this.#crls = new CrlPublisher(this.#issuance, options);
    this.#clock = options.clock ?? (() => new Date());
  }

  get certificate(): Certificate {
    return this.#issuance.issuer;
  }

  /**
   * Issues a `hello-logon` certificate for a request that an enrollment agent countersigned, or that the holder of such a
   * certificate signed with its key to have it renewed.
   * @param signedRequest CMS around PKCS#10 or a CMC full PKI request: ContentInfo, DER
   * @throws CountersignError with the code of the step that refused
   */
  async issue(signedRequest: Uint8Array): Promise<Certificate> {
    const requestDigest = sha256Hex(signedRequest);
    return this.#audited(requestDigest, async (now) => {
      const parsed = readSignedRequest(signedRequest);
      const user =
        parsed.kind === 'renewal'
          ? await this.#approveRenewal(parsed, now)
          : await this.#approveOnBehalf(parsed, now);
      assertNamesNobodyElse(parsed.request, user.upn);
      const attestation = await this.#attest(parsed.request);
      const issuancePolicies = attestation.kind === 'verified' ? attestation.issuancePolicies : [];
      const order = { profile: 'hello-logon', user, template: this.#template, issuancePolicies } as const;
      const approvedBy = parsed.kind === 'renewal' ? [parsed.holder] : parsed.agents;
      const approval = { approvedBy, requestDigest, replayDigest: parsed.digest };
      return this.#certify(order, parsed.request, approval, now);
    });
  }

  /**
   * The `hello-logon` certificate that was issued for a key and still holds: for an RA that answers the same request again,
   * because its first answer was lost.
   * @returns the one that holds longest, or undefined
   */
  async currentCertificate({ keyId }: PublicKey): Promise<Certificate | undefined> {
    const now = this.#clock();
    const current = (await this.#issuance.ledger.findByKey(keyId)).flatMap((entry) =>
      entry.certificate !== undefined && entry.revocation === undefined && entry.profile === 'hello-logon'
        ? [Certificate.parse(entry.certificate)]
        : [],
    );
    return current
      .filter(({ notBefore, notAfter }) => notBefore <= now && now <= notAfter)
      .toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime())[0];
  }

  /**
   * Issues a certificate that the CA's operator orders: the enrollment agent's, a KDC's.
   * @param request PKCS#10, DER; of what it asks for, nothing but its public key is granted
   */
  async issueForOperator(request: Uint8Array, order: OperatorOrder): Promise<Certificate> {
    const requestDigest = sha256Hex(request);
    return this.#audited(requestDigest, async (now) => {
      const parsed = CertificationRequest.parse(request);
      parsed.verifyProofOfPossession();
      const approval = { approvedBy: [], requestDigest, replayDigest: requestDigest };
      return this.#certify(order, parsed, approval, now);
    });
  }

  /**
   * Revokes a certificate, or puts it on hold (`certificateHold`), from which it may be released or revoked for good.
   * @throws CountersignError `REVOCATION_NOT_POSSIBLE`
   */
  async revoke(serialNumber: string, reason: RevocationReason): Promise<void> {
    const at = this.#clock();
    const details = { serialNumber, reason };
    const event = { at, event: 'certificate-revoked', details };
    await this.#issuance.ledger.revoke(serialNumber, { reason, revokedAt: at }, event);
  }

  /**
   * Ends a hold: the certificate is good again, and gone from the next CRL.
   * @throws CountersignError `REVOCATION_NOT_POSSIBLE` if it is not on hold
   */
  async release(serialNumber: string): Promise<void> {
    const at = this.#clock();
    const event = { at, event: 'certificate-released', details: { serialNumber } };
    await this.#issuance.ledger.release(serialNumber, at, event);
  }

  /** A complete CRL. @returns CertificateList, DER */
  async createCrl(): Promise<Uint8Array> {
    return this.#crls.createComplete(this.#clock());
  }

  /**
   * A delta CRL: what changed since the last complete one. @returns CertificateList, DER
   * @throws CountersignError `CRL_BASE_MISSING`
   */
  async createDeltaCrl(): Promise<Uint8Array> {
    return this.#crls.createDelta(this.#clock());
  }

  /** Every agent that signed must be one, and must have the right: no signature is there for show. */
  async #approveOnBehalf(
    { request, requesterName, agents }: AgentRequest,
    now: Date,
  ): Promise<DirectoryUser> {
    for (const agent of agents) {
      await authenticateAgent(agent, this.certificate, this.#issuance.ledger, now);
    }
    const user = await resolveSubject(this.#directory, requesterName);
    for (const agent of agents) {
      authorizeAgent(agent, 'hello-logon', user, request.publicKey, this.#agentRights);
    }
    return user;
  }

  /** Agent and holder have both answered for the user. */
  async #attest(request: CertificationRequest): Promise<AttestationOutcome> {
    return this.#attestation === undefined ? { kind: 'off' } : this.#attestation.assess(request, true);
  }

  async #approveRenewal({ request, holder }: RenewalRequest, now: Date): Promise<DirectoryUser> {
    const { ledger } = this.#issuance;
    const entry = await authenticateHolder(holder, 'renewing', this.certificate, ledger, now);
    return resolveRenewal(request, holder, entry, this.#directory, this.#template);
  }

  async #certify(
    order: CertificateOrder,
    { publicKey, extensionRequests }: CertificationRequest,
    { approvedBy, requestDigest, replayDigest }: Approval,
    now: Date,
  ): Promise<Certificate> {
    this.#assertIssues(order.profile);
    this.certificate.assertValidAt(now, 'CA');
    await assertGoodKey(publicKey, this.#keyPolicy);
    const contents = contentsOf(order);
    assertAsksForNoMore(extensionRequests, contents.extensions);
    const prepared = await this.#preparer.prepare(contents, publicKey, now);
    const { serialNumber } = prepared;
    const { profile } = order;
    const subject = profile === 'hello-logon' ? order.user.account : contents.subject.toString();
    const record = {
      profile,
      subject,
      agentSerialNumber: approvedBy[0]?.serialNumber,
      requestDigest: replayDigest,
      keyId: publicKey.keyId,
      keyOwner: profile === 'hello-logon' ? order.user.sid : subject,
      reservedAt: now,
    };
    const approvers = approvedBy.map((certificate) => certificate.serialNumber).join(' ') || 'operator';
    const details = {
      serialNumber,
      profile,
      subject,
      approvedBy: approvers,
      requestDigest,
      ...('issuancePolicies' in order && order.issuancePolicies.length > 0
        ? { issuancePolicies: order.issuancePolicies.join(' ') }
        : {}),
    };
    const event = { at: now, event: 'certificate-issued', details };
    return issueCertificate(prepared, this.#issuance, record, event);
  }

  #assertIssues(profile: ProfileName): void {
    if (this.#profiles.includes(profile)) return;
    throw new CountersignError(
      'PROFILE_NOT_FOUND',
      `this CA does not issue ${profile} certificates; it issues ${this.#profiles.join(', ') || 'none'}`,
      'Ask another CA, or add the profile to the configuration of this one.',
      { adcs: 'CERTSRV_E_UNSUPPORTED_CERT_TYPE' },
    );
  }

  /** Every refusal leaves one audit record; if that cannot be written, the caller learns of it. */
  async #audited(requestDigest: string, decide: (now: Date) => Promise<Certificate>): Promise<Certificate> {
    const now = this.#clock();
    try {
      return await decide(now);
    } catch (error) {
      const code = error instanceof CountersignError ? error.code : 'UNEXPECTED';
      const details = { code, requestDigest };
      await this.#issuance.ledger.appendAudit({ at: now, event: 'request-refused', details });
      throw error;
    }
  }
}

/** On whose word a certificate is issued, and in answer to what. */
interface Approval {
  /** The certificates of the agents, or the one that is renewed; empty where an operator approved. */
  readonly approvedBy: readonly Certificate[];
  /** SHA-256 of the request as received. */
  readonly requestDigest: string;
  /** What the ledger lets pass once. */
  readonly replayDigest: string;
}

function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
