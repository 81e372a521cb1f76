import { randomInt } from 'node:crypto';
import {
  CountersignError,
  preferredScheme,
  PublicKey,
  type Certificate,
  type Key,
  type SignatureScheme,
} from '@countersign/core';
import {
  encryptionTypes,
  offeredEncryptionTypes,
  type EncryptionType,
} from './encryption/encryption-type.ts';
import { runAsExchange } from './as-exchange.ts';
import type { KdcAddress } from './kdc-connection.ts';
import type { KdcTrust } from './kdc-trust.ts';
import { encodeAsRequestBody, type AsRequestBody } from './kerberos/as-request.ts';
import { nameTypes, ticketGrantingService, type PrincipalName } from './kerberos/principal-name.ts';
import type { SignInRequest } from './sign-in-request.ts';
import type { TicketGrantingTicket } from './ticket-granting-ticket.ts';

export interface SignInOptions {
  /** The user's key, unlocked. It makes one signature, or two where the KDC wants a larger group. */
  readonly key: Key;
  /** How the key signs; its preferred scheme if absent. */
  readonly scheme?: SignatureScheme;
  /** Of the user, for the key. */
  readonly certificate: Certificate;
  /** CA certificates that the KDC may not have between its anchors and `certificate`. */
  readonly issuers?: readonly Certificate[];
  /**
   * Name of the user in the realm (`alice`), or user principal name (`alice@contoso.example`), which the KDC looks up and
   * may answer with another name (RFC 6806 5).
   */
  readonly user: string;
  /** In the KDC's own letter case: `CONTOSO.EXAMPLE`. */
  readonly realm: string;
  readonly kdc: KdcAddress;
  readonly kdcTrust: KdcTrust;
  /** What tickets and replies may be encrypted with, best first; all that are known if absent. */
  readonly encryptionTypes?: readonly EncryptionType[];
  /** How long the ticket should last; 10 hours if absent. KDCs may give less. */
  readonly lifetimeSeconds?: number;
  /** For how long the ticket should be renewable; not at all if absent. */
  readonly renewableSeconds?: number;
  /** Whether the ticket may be handed on to other hosts; not if absent. */
  readonly forwardable?: boolean;
  /** For each connection; 10 seconds if absent. */
  readonly timeoutMs?: number;
  /** How far the KDC's clock may be from the one here; 300 seconds if absent, as is usual for Kerberos. */
  readonly maxClockSkewSeconds?: number;
  readonly clock?: () => Date;
}

/**
 * Signs in to a Kerberos realm with a certificate (RFC 4556, PKINIT with Diffie-Hellman; RFC 8070 and RFC 8636 where the
 * KDC knows them). The KDC is authenticated before anything that it says is used.
 * @returns a ticket that gets service tickets; `writeCredentialCache` hands it to other programs
 * @throws CountersignError before anything is sent: `CERTIFICATE_KEY_MISMATCH`, `CERTIFICATE_EXPIRED`,
 *   `CERTIFICATE_NOT_YET_VALID`, `VALUE_OUT_OF_RANGE`; from the key: `PIN_REQUIRED`, `SCHEME_NOT_SUPPORTED` and what else its
 *   provider throws; about the KDC: `KDC_UNREACHABLE`, `KDC_REPLY_MALFORMED`, `KDC_REPLY_MISMATCH`,
 *   `KDC_NOT_TRUSTED`, `CLOCK_SKEW`, `ALGORITHM_NOT_SUPPORTED`; and what the KDC refuses the user for, among them
 *   `USER_NOT_FOUND`, `ACCOUNT_DISABLED`, `CERTIFICATE_NOT_OF_USER`, `CERTIFICATE_NOT_TRUSTED`, `CERTIFICATE_REVOKED`,
 *   `REVOCATION_UNKNOWN`, `PURPOSE_NOT_PERMITTED`, `KDC_REFUSED`
 */
export async function signIn(options: SignInOptions): Promise<TicketGrantingTicket> {
  const { key, certificate, realm, clock = () => new Date() } = options;
  assertCertifies(certificate, key);
  const now = clock();
  certificate.assertValidAt(now, "user's");
  const body = requestBody(options, now);
  const request: SignInRequest = {
    body,
    encodedBody: encodeAsRequestBody(body),
    signer: {
      key,
      scheme: options.scheme ?? preferredScheme(key),
      certificate,
      issuers: options.issuers ?? [],
    },
    encryptionTypes: encryptionTypesOf(options),
    realm,
    kdc: options.kdc,
    kdcTrust: options.kdcTrust,
    timeoutMs: positive(options.timeoutMs ?? 10_000, 'timeoutMs'),
    maxClockSkewMs: positive(options.maxClockSkewSeconds ?? 300, 'maxClockSkewSeconds') * 1000,
    clock,
  };
  return runAsExchange(request);
}

function requestBody(options: SignInOptions, now: Date): AsRequestBody {
  const { user, realm, lifetimeSeconds = 36_000, renewableSeconds } = options;
  const client = clientName(user);
  return {
    client,
    realm,
    server: ticketGrantingService(realm),
    options: {
      forwardable: options.forwardable === true,
      canonicalize: client.nameType === nameTypes.enterprise,
    },
    till: secondsAfter(now, positive(lifetimeSeconds, 'lifetimeSeconds')),
    renewTill:
      renewableSeconds === undefined
        ? undefined
        : secondsAfter(now, positive(renewableSeconds, 'renewableSeconds')),
    // From 1: zero is what a KDC answers with if it used a Diffie-Hellman key before (RFC 4556 3.2.3.1). Up to 2^31 - 1,
    // because there are KDCs that take a nonce for a signed number.
    nonce: randomInt(1, 0x7fff_ffff),
    encryptionTypes: encryptionTypesOf(options).map((type) => encryptionTypes[type].number),
  };
}

/** RFC 6806 5: a user principal name is one component, whatever it is made of. */
function clientName(user: string): PrincipalName {
  return user.includes('@')
    ? { nameType: nameTypes.enterprise, components: [user] }
    : { nameType: nameTypes.principal, components: user.split('/') };
}

function encryptionTypesOf(options: SignInOptions): readonly EncryptionType[] {
  const types = options.encryptionTypes ?? offeredEncryptionTypes;
  if (types.length > 0) return types;
  throw outOfRange('encryptionTypes is empty', 'Leave it out to offer all that are known.');
}

function assertCertifies(certificate: Certificate, key: Key): void {
  const certified = certificate.publicKey.keyId;
  if (certified === PublicKey.parse(key.publicKey).keyId) return;
  throw new CountersignError(
    'CERTIFICATE_KEY_MISMATCH',
    `the certificate ${certificate.serialNumber} is not for the key ${key.ref}`,
    'Give the certificate that was issued for this key.',
  );
}

function positive(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value > 0 && value < 0x7fff_ffff) return value;
  throw outOfRange(`${name} is ${value}`, 'Give a whole number from 1 to 2147483646.');
}

function secondsAfter(date: Date, seconds: number): Date {
  return new Date(Math.floor(date.getTime() / 1000 + seconds) * 1000);
}

function outOfRange(found: string, hint: string): CountersignError {
  return new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `a sign-in cannot be asked for like this: ${found}`,
    hint,
  );
}
