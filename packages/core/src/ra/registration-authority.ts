import type { AttestationOutcome } from '../attestation/attestation-policy.ts';
import type { RequestAttestation } from '../attestation/request-attestation.ts';
import { createCmcRequest } from '../cmc/create-request.ts';
import { createCountersignedRequest } from '../cms/countersigned-request.ts';
import type { Directory, DirectoryUser } from '../directory/directory.ts';
import { CountersignError } from '../errors.ts';
import { assertGoodKey, type KeyPolicy } from '../key-quality/assert-good-key.ts';
import type { Key } from '../keys/key-provider.ts';
import { preferredScheme } from '../keys/preferred-scheme.ts';
import { PublicKey } from '../keys/public-key.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { assertNamesNobodyElse } from '../request/assert-names-nobody-else.ts';
import { CertificationRequest } from '../request/certification-request.ts';
import type { Certificate } from '../x509/certificate.ts';
import { assertEnrollmentAgent } from '../x509/enrollment-agent.ts';

export interface RegistrationAuthorityOptions {
  /** The enrollment agent's key, unlocked. */
  readonly key: Key;
  readonly certificate: Certificate;
  readonly directory: Directory;
  /** Which keys are good enough to vouch for; every algorithm and no blocklist if absent. */
  readonly keyPolicy?: KeyPolicy;
  /** Whether keys must be proved to be in a TPM; evidence is not looked at if absent. */
  readonly attestation?: RequestAttestation | undefined;
  /** The key's first choice if absent. */
  readonly scheme?: SignatureScheme;
  readonly clock?: () => Date;
}

export interface Countersigned {
  /** CMS ContentInfo, DER: what the CA takes. */
  readonly der: Uint8Array;
  readonly requester: DirectoryUser;
  readonly attestation: AttestationOutcome;
}

export interface CountersignOptions {
  /**
   * What the CA gets: `cms` is the request itself in a CMS SignedData (MS-WCCE 3.1.1.4.3.3.2) and what is made if
   * absent; `cmc` a new request around the same public key in a full PKI request (3.1.1.4.3.3.3), which leaves the
   * evidence of a TPM behind.
   */
  readonly format?: 'cms' | 'cmc';
}

/** Vouches for requests: it signs those whose key the requester registered, and no others. */
export class RegistrationAuthority {
  readonly #key: Key;
  readonly #certificate: Certificate;
  readonly #directory: Directory;
  readonly #keyPolicy: KeyPolicy | undefined;
  readonly #attestation: RequestAttestation | undefined;
  readonly #scheme: SignatureScheme;
  readonly #clock: () => Date;

  /** @throws CountersignError `CERTIFICATE_KEY_MISMATCH`, `AGENT_NOT_AUTHORIZED` if the certificate is not an agent's */
  constructor(options: RegistrationAuthorityOptions) {
    this.#key = options.key;
    this.#certificate = options.certificate;
    this.#directory = options.directory;
    this.#keyPolicy = options.keyPolicy;
    this.#attestation = options.attestation;
    this.#scheme = options.scheme ?? preferredScheme(options.key);
    this.#clock = options.clock ?? (() => new Date());
    assertEnrollmentAgent(this.#certificate);
    if (!PublicKey.parse(options.key.publicKey).equals(this.#certificate.publicKey)) {
      throw new CountersignError(
        'CERTIFICATE_KEY_MISMATCH',
        `the enrollment agent certificate ${this.#certificate.serialNumber} does not certify the key ${options.key.ref}`,
        'Give the RA the certificate that was issued for its key.',
      );
    }
  }

  /**
   * Countersigns a PKCS#10 request for a user.
   * @param request DER
   * @param requesterUpn the user that the certificate is for
   * @throws CountersignError whatever is wrong with the request or its key; `USER_NOT_FOUND`, `REQUESTER_MISMATCH`,
   *   `KEY_NOT_REGISTERED`, `ATTESTATION_*`, `CERTIFICATE_EXPIRED` (the agent's), `VALUE_OUT_OF_RANGE` (an account that CMC cannot name)
   */
  async countersign(
    request: Uint8Array,
    requesterUpn: string,
    options: CountersignOptions = {},
  ): Promise<Countersigned> {
    this.#certificate.assertValidAt(this.#clock(), 'enrollment agent');
    const parsed = CertificationRequest.parse(request);
    await assertGoodKey(parsed.publicKey, this.#keyPolicy);
    parsed.verifyProofOfPossession();
    const requester = await this.#findRequester(requesterUpn);
    assertNamesNobodyElse(parsed, requester.upn);
    assertKeyRegistered(parsed, requester);
    // The agent vouches for the user, whose authentication is its caller's business.
    const attestation = (await this.#attestation?.assess(parsed, true)) ?? ({ kind: 'off' } as const);
    const der = await this.#sign(parsed, requester, options.format ?? 'cms');
    return { der, requester, attestation };
  }

  async #sign(
    request: CertificationRequest,
    { account }: DirectoryUser,
    format: 'cms' | 'cmc',
  ): Promise<Uint8Array> {
    switch (format) {
      case 'cms':
        return createCountersignedRequest(
          this.#key,
          this.#scheme,
          this.#certificate,
          request,
          account,
          this.#clock(),
        );
      case 'cmc':
        return createCmcRequest(this.#key, this.#scheme, this.#certificate, request.publicKey, account);
    }
  }

  async #findRequester(upn: string): Promise<DirectoryUser> {
    const requester = await this.#directory.findByUpn(upn);
    if (requester !== undefined) return requester;
    throw new CountersignError(
      'USER_NOT_FOUND',
      `the directory has no user ${upn}`,
      'Check the UPN, or add the user: countersign directory add --upn UPN --sid SID --dn DN --account DOMAIN\\name',
      { adcs: 'ERROR_NO_SUCH_USER' },
    );
  }
}

function assertKeyRegistered(request: CertificationRequest, requester: DirectoryUser): void {
  const { subjectPublicKeyInfo, keyId } = request.publicKey;
  const isRegistered = requester.keyCredentials.some(
    ({ publicKey }) => Buffer.compare(publicKey, subjectPublicKeyInfo) === 0,
  );
  if (isRegistered) return;
  throw new CountersignError(
    'KEY_NOT_REGISTERED',
    `the request's key (SHA-256 ${keyId}) is none of the ${requester.keyCredentials.length} registered for ${requester.upn}`,
    `Register it first: countersign directory add --dir DIR --upn ${requester.upn} --key FILE`,
    { adcs: 'CERTSRV_E_BAD_REQUESTSUBJECT' },
  );
}
