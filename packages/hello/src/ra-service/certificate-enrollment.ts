import {
  CertificationRequest,
  CountersignError,
  RegistrationAuthority,
  type Certificate,
  type Countersigned,
  type CountersignOptions,
  type Directory,
  type DirectoryUser,
  type PublicKey,
  type RegistrationAuthorityOptions,
} from '@countersign/core';
import { verifyKeyReceipt, type KeyReceipt, type ReceiptTrust } from '../receipt/index.ts';
import { describeEnrollmentRetries } from '../sync/index.ts';
import { withReceivedKey } from './received-key.ts';

export interface CertificateEnrollmentOptions extends RegistrationAuthorityOptions {
  /** Has the CA issue a certificate for what the RA countersigned; the key is the one in it. */
  readonly issue: (countersigned: Countersigned, publicKey: PublicKey) => Promise<Certificate>;
  /** What the RA hands the CA: `cms` if absent. */
  readonly format?: CountersignOptions['format'];
  /** The CA's certificate and those above it, which users get along with theirs. */
  readonly caCertificates: readonly Certificate[];
  /** Whose key receipts count; without it only synced keys do. */
  readonly receipts?: ReceiptTrust | undefined;
  /** Who has the key on premises. Without it a key of another user is told from one of nobody by the CA at best. */
  readonly findKeyOwner?: ((publicKey: PublicKey) => Promise<DirectoryUser | undefined>) | undefined;
  /** Whether the user registered the key in the cloud. Without it every key that is unknown may yet be synced. */
  readonly isRegisteredInCloud?:
    ((user: DirectoryUser, publicKey: PublicKey) => Promise<boolean>) | undefined;
}

/** A request of a user who was authenticated. */
export interface EnrollmentRequest {
  readonly upn: string;
  /** SID of the user's account on premises. */
  readonly sid: string;
  /** PKCS#10, DER. */
  readonly csr: Uint8Array;
  /** Key receipt, base64. */
  readonly krctx?: string | undefined;
}

export interface EnrolledCertificate {
  readonly certificate: Certificate;
  /** The certificate, then those above it. */
  readonly chain: readonly Certificate[];
  /** How the RA knew the key: from its directory, or on the word of the registration service. */
  readonly keyKnownBy: 'directory' | 'receipt';
}

/**
 * Enrolls users for certificates: the RA's own part, without a network. It countersigns for a key that stands for the user
 * in its directory; else for one that a valid receipt says was registered; else it refuses, and signs nothing.
 */
export class CertificateEnrollment {
  readonly #options: CertificateEnrollmentOptions;
  readonly #authority: RegistrationAuthority;
  readonly #clock: () => Date;

  /** @throws CountersignError as the constructor of core's `RegistrationAuthority` does */
  constructor(options: CertificateEnrollmentOptions) {
    this.#options = options;
    this.#authority = new RegistrationAuthority(options);
    this.#clock = options.clock ?? (() => new Date());
  }

  get acceptsReceipts(): boolean {
    return this.#options.receipts !== undefined;
  }

  /**
   * @throws CountersignError `USER_NOT_FOUND`, `REQUESTER_MISMATCH`; `KEY_NOT_REGISTERED`, `KEY_NOT_SYNCED`,
   *   `KEY_REGISTERED_TO_ANOTHER`; `RECEIPT_*`, `SERVICE_UNREACHABLE` if the keys for receipts cannot be had; what core's
   *   `countersign` and the CA throw
   */
  async enroll({ upn, sid, csr, krctx }: EnrollmentRequest): Promise<EnrolledCertificate> {
    const { publicKey } = CertificationRequest.parse(csr);
    const user = await this.#findUser(upn, sid);
    const receipt = hasKey(user, publicKey) ? undefined : await this.#requireReceipt(user, publicKey, krctx);
    const authority = receipt === undefined ? this.#authority : this.#authorityFor(user, receipt);
    const { format = 'cms', issue, caCertificates } = this.#options;
    const countersigned = await authority.countersign(csr, user.upn, { format });
    const certificate = await issue(countersigned, publicKey);
    assertCertifies(certificate, publicKey);
    return {
      certificate,
      chain: [certificate, ...caCertificates],
      keyKnownBy: receipt === undefined ? 'directory' : 'receipt',
    };
  }

  async #findUser(upn: string, sid: string): Promise<DirectoryUser> {
    const user = await this.#options.directory.findByUpn(upn);
    if (user === undefined) {
      throw new CountersignError(
        'USER_NOT_FOUND',
        `the directory has no user ${upn}`,
        'Sign in as a user of this organization.',
      );
    }
    if (user.sid === sid) return user;
    throw new CountersignError(
      'REQUESTER_MISMATCH',
      `the token of ${upn} is for the SID ${sid}; the directory has ${user.sid}`,
      'Sign in again. If that does not help, the user principal name has passed to another person.',
    );
  }

  async #requireReceipt(
    user: DirectoryUser,
    publicKey: PublicKey,
    krctx: string | undefined,
  ): Promise<KeyReceipt> {
    const { findKeyOwner, receipts } = this.#options;
    const owner = await findKeyOwner?.(publicKey);
    if (owner !== undefined) throw registeredToAnother(publicKey);
    if (krctx === undefined || receipts === undefined) throw await this.#notUsable(user, publicKey);
    return verifyKeyReceipt(krctx, { upn: user.upn, sid: user.sid, publicKey }, receipts, this.#clock());
  }

  async #notUsable(user: DirectoryUser, publicKey: PublicKey): Promise<CountersignError> {
    const { isRegisteredInCloud } = this.#options;
    const isRegistered = await isRegisteredInCloud?.(user, publicKey);
    if (isRegistered === false) {
      return new CountersignError(
        'KEY_NOT_REGISTERED',
        `the request's key (SHA-256 ${publicKey.keyId}) is registered for ${user.upn} neither on premises nor in the cloud`,
        'Register the key first.',
      );
    }
    return new CountersignError(
      'KEY_NOT_SYNCED',
      `the request's key (SHA-256 ${publicKey.keyId}) is not registered on premises${isRegistered === true ? ', and is in the cloud' : ''}: it has not been synced yet`,
      `Hand in its key receipt, or wait for the sync. ${describeEnrollmentRetries()}`,
    );
  }

  #authorityFor(user: DirectoryUser, receipt: KeyReceipt): RegistrationAuthority {
    const directory: Directory = withReceivedKey(this.#options.directory, user, receipt);
    return new RegistrationAuthority({ ...this.#options, directory });
  }
}

function hasKey({ keyCredentials }: DirectoryUser, { keyId }: PublicKey): boolean {
  return keyCredentials.some((credential) => credential.keyId === keyId);
}

function assertCertifies(certificate: Certificate, publicKey: PublicKey): void {
  if (certificate.publicKey.equals(publicKey)) return;
  throw new CountersignError(
    'RESPONSE_MISMATCH',
    `the CA returned the certificate ${certificate.serialNumber}, which is not for the key of the request`,
    'Check what connects the RA to its CA.',
  );
}

/** Who it is, only the directory's administrators are to learn. */
function registeredToAnother({ keyId }: PublicKey): CountersignError {
  return new CountersignError(
    'KEY_REGISTERED_TO_ANOTHER',
    `the request's key (SHA-256 ${keyId}) is registered for another user`,
    'Generate a new key pair and register it: a key stands for one person.',
  );
}
