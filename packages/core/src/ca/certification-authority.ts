import { createHash } from 'node:crypto';
import type { Directory, DirectoryUser } from '../directory/directory.ts';
import { CountersignError } from '../errors.ts';
import { assertGoodKey, type KeyPolicy } from '../key-quality/assert-good-key.ts';
import type { Key } from '../keys/key-provider.ts';
import { preferredScheme } from '../keys/preferred-scheme.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { CertificationRequest } from '../request/certification-request.ts';
import { Certificate } from '../x509/certificate.ts';
import { createCertificateList } from '../x509/create-certificate-list.ts';
import type { CertificateTemplate } from '../x509/microsoft-extensions.ts';
import type { RevocationReason } from '../x509/revocation-reason.ts';
import { sign } from '../x509/signed-structure.ts';
import { encodeTbsCertificate } from '../x509/tbs-certificate.ts';
import { assertCaCertificate } from './ca-certificate.ts';
import { authenticateAgent } from './issuance/authenticate-agent.ts';
import { readCountersigned, type AgentRequest } from './issuance/read-countersigned.ts';
import { newSerialNumber } from './issuance/serial-number.ts';
import { validityFrom } from './issuance/validity.ts';
import type { Ledger } from './ledger.ts';
import { enrollmentAgent } from './profiles/enrollment-agent.ts';
import { helloLogon } from './profiles/hello-logon.ts';
import { kdc } from './profiles/kdc.ts';
import { ocspResponder } from './profiles/ocsp-responder.ts';
import {
  issuerExtensions,
  type CertificateContents,
  type CertificateOrder,
  type Issuer,
} from './profiles/profile.ts';

export interface CertificationAuthorityOptions {
  /** The CA's key, unlocked. */
  readonly key: Key;
  readonly certificate: Certificate;
  /** Where subjects come from. */
  readonly directory: Directory;
  readonly ledger: Ledger;
  /** The template that `hello-logon` certificates name. */
  readonly helloLogonTemplate: CertificateTemplate;
  readonly crlUris: readonly string[];
  readonly caIssuersUris: readonly string[];
  /** Where certificates say that an OCSP responder is. */
  readonly ocspUris?: readonly string[];
  readonly crlValidityMs?: number;
  /** Which keys are good enough to certify; every algorithm and no blocklist if absent. */
  readonly keyPolicy?: KeyPolicy;
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
  readonly #key: Key;
  readonly #scheme: SignatureScheme;
  readonly #issuer: Issuer;
  readonly #directory: Directory;
  readonly #ledger: Ledger;
  readonly #template: CertificateTemplate;
  readonly #crlValidityMs: number;
  readonly #keyPolicy: KeyPolicy | undefined;
  readonly #clock: () => Date;

  /** @throws CountersignError `ISSUER_NOT_ACCEPTABLE` if the certificate is not a CA's or not this key's */
  constructor(options: CertificationAuthorityOptions) {
    assertCaCertificate(options.certificate, options.key);
    this.#key = options.key;
    this.#scheme = options.scheme ?? preferredScheme(options.key);
    this.#issuer = options;
    this.#directory = options.directory;
    this.#ledger = options.ledger;
    this.#template = options.helloLogonTemplate;
    this.#crlValidityMs = options.crlValidityMs ?? 7 * 24 * 3_600_000;
    this.#keyPolicy = options.keyPolicy;
    this.#clock = options.clock ?? (() => new Date());
  }

  get certificate(): Certificate {
    return this.#issuer.certificate;
  }

  /**
   * Issues a `hello-logon` certificate for a request that an enrollment agent countersigned.
   * @param countersigned CMS around PKCS#10 or a CMC full PKI request: ContentInfo, DER
   * @throws CountersignError with the code of the step that refused
   */
  async issue(countersigned: Uint8Array): Promise<Certificate> {
    const requestDigest = sha256Hex(countersigned);
    return this.#audited(requestDigest, async (now) => {
      const parsed = readCountersigned(countersigned);
      for (const agent of parsed.agents) await authenticateAgent(agent, this.certificate, this.#ledger, now);
      const user = await this.#resolveRequester(parsed);
      const order = { profile: 'hello-logon', user, template: this.#template } as const;
      const approval = { agents: parsed.agents, requestDigest, replayDigest: parsed.digest };
      return this.#certify(order, parsed.request, approval, now);
    });
  }

  /**
   * Issues a certificate that the CA's operator orders: the enrollment agent's, a KDC's.
   * @param request PKCS#10, DER; only its public key is used
   */
  async issueForOperator(request: Uint8Array, order: OperatorOrder): Promise<Certificate> {
    const requestDigest = sha256Hex(request);
    return this.#audited(requestDigest, async (now) => {
      const parsed = CertificationRequest.parse(request);
      parsed.verifyProofOfPossession();
      const approval = { agents: [], requestDigest, replayDigest: requestDigest };
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
    await this.#ledger.revoke(serialNumber, { reason, revokedAt: at }, event);
  }

  /**
   * Ends a hold: the certificate is good again, and gone from the next CRL.
   * @throws CountersignError `REVOCATION_NOT_POSSIBLE` if it is not on hold
   */
  async release(serialNumber: string): Promise<void> {
    const at = this.#clock();
    await this.#ledger.release(serialNumber, at, {
      at,
      event: 'certificate-released',
      details: { serialNumber },
    });
  }

  /** A full CRL of everything revoked and not yet expired. @returns CertificateList, DER */
  async createCrl(): Promise<Uint8Array> {
    const thisUpdate = this.#clock();
    const revoked = await this.#ledger.listRevoked(thisUpdate);
    const number = await this.#ledger.nextCrlNumber();
    const crl = await createCertificateList(this.#key, this.#scheme, {
      issuer: this.certificate.subject,
      authorityKeyIdentifier: this.certificate.publicKey.keyIdentifier,
      number,
      thisUpdate,
      nextUpdate: new Date(thisUpdate.getTime() + this.#crlValidityMs),
      revoked,
    });
    const details = { number: String(number), entries: String(revoked.length) };
    await this.#ledger.appendAudit({ at: thisUpdate, event: 'crl-issued', details });
    return crl;
  }

  /** requestername selects the directory object (MS-WCCE 3.2.2.6.2.1.4.5); what the request says of itself does not. */
  async #resolveRequester({ requesterName }: AgentRequest): Promise<DirectoryUser> {
    const user = await this.#directory.findByAccount(requesterName);
    if (user !== undefined) return user;
    throw new CountersignError(
      'USER_NOT_FOUND',
      `the directory has no account ${requesterName}`,
      'Check that RA and CA use the same directory.',
      { adcs: 'ERROR_NO_SUCH_USER' },
    );
  }

  async #certify(
    order: CertificateOrder,
    request: CertificationRequest,
    { agents, requestDigest, replayDigest }: Approval,
    now: Date,
  ): Promise<Certificate> {
    this.certificate.assertValidAt(now, 'CA');
    await assertGoodKey(request.publicKey, this.#keyPolicy);
    const contents = contentsOf(order);
    const validity = validityFrom(now, contents, this.certificate);
    const serialNumber = newSerialNumber();
    const tbsCertificate = encodeTbsCertificate({
      serialNumber,
      scheme: this.#scheme,
      issuer: this.certificate.subject,
      ...validity,
      subject: contents.subject,
      publicKey: request.publicKey,
      extensions: [...contents.extensions, ...issuerExtensions(this.#issuer, request.publicKey)],
    });
    const serial = Buffer.from(serialNumber).toString('hex');
    const subject = order.profile === 'hello-logon' ? order.user.account : contents.subject.toString();
    await this.#ledger.reserve({
      serialNumber: serial,
      profile: order.profile,
      subject,
      agentSerialNumber: agents[0]?.serialNumber,
      requestDigest: replayDigest,
      tbsCertificate,
      notAfter: validity.notAfter,
      reservedAt: now,
    });
    const certificate = Certificate.parse(await sign(this.#key, this.#scheme, tbsCertificate));
    assertOwnSignature(certificate, this.certificate);
    const approvedBy = agents.map((agent) => agent.serialNumber).join(' ') || 'operator';
    const details = { serialNumber: serial, profile: order.profile, subject, approvedBy, requestDigest };
    await this.#ledger.record(serial, certificate.der, { at: now, event: 'certificate-issued', details });
    return certificate;
  }

  /** Every refusal leaves one audit record; if that cannot be written, the caller learns of it. */
  async #audited(requestDigest: string, decide: (now: Date) => Promise<Certificate>): Promise<Certificate> {
    const now = this.#clock();
    try {
      return await decide(now);
    } catch (error) {
      const code = error instanceof CountersignError ? error.code : 'UNEXPECTED';
      await this.#ledger.appendAudit({ at: now, event: 'request-refused', details: { code, requestDigest } });
      throw error;
    }
  }
}

/** On whose word a certificate is issued, and in answer to what. */
interface Approval {
  /** Empty where an operator approved. */
  readonly agents: readonly Certificate[];
  /** SHA-256 of the request as received. */
  readonly requestDigest: string;
  /** What the ledger lets pass once. */
  readonly replayDigest: string;
}

/** A faulty signature is useless to its owner, and may tell an attacker the key that made it. */
function assertOwnSignature(certificate: Certificate, issuer: Certificate): void {
  if (certificate.isIssuedBy(issuer)) return;
  throw new CountersignError(
    'SIGNATURE_INVALID',
    `the signature that the CA's key made for ${certificate.serialNumber} does not verify under the CA's certificate`,
    'Stop issuing and examine the key provider. The serial number stays reserved and can be revoked.',
  );
}

function contentsOf(order: CertificateOrder): CertificateContents {
  switch (order.profile) {
    case 'hello-logon':
      return helloLogon(order.user, order.template);
    case 'enrollment-agent':
      return enrollmentAgent(order.subject);
    case 'kdc':
      return kdc(order.realm, order.hostName);
    case 'ocsp-responder':
      return ocspResponder(order.subject);
  }
}

function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
