import {
  CountersignError,
  createOcspRequest,
  createOcspResponse,
  createRootCertificate,
  Name,
  OcspRequest,
  OcspResponse,
  verifyOcspResponse,
  type Certificate,
  type CertId,
  type CertificateStatus,
  type CertIdHash,
  type ErrorCode,
  type Key,
  type OcspResponseFields,
  type OcspVerificationInputs,
  type RevocationReason,
  type VerifiedOcspStatus,
} from '@countersign/core';
import { softwareKey } from '../enrollment/software-key.ts';
import { context, element, octetString, sequence } from '../path-validation/der.ts';
import {
  certify,
  extension,
  generalizedTime,
  keyUsage,
  noCheck,
  ocspSigning,
  respond,
  type HandmadeCertificate,
  type HandmadeResponse,
} from './handmade.ts';

export const at = new Date('2026-06-15T12:00:00Z');
export const minuteMs = 60_000;

export function minutesLater(minutes: number): Date {
  return new Date(at.getTime() + minutes * minuteMs);
}

export const caName = 'CN=CA,O=Contoso';

export const caKey = await softwareKey('p256');
export const ca = await createRootCertificate(caKey, Name.fromString(caName), at);
export const responderKey = await softwareKey('p256');
export const strangerKey = await softwareKey('p256');
/** Of the CA's name, with a key of its own. */
export const impostor = await createRootCertificate(strangerKey, Name.fromString(caName), at);

export const unknownExtension = extension('1.3.6.1.4.1.99999.1', octetString(new Uint8Array(1)), true);

/** The certificate that responses are about. */
export const subject = await certify(caKey, await softwareKey('p256'), {
  ...validity(),
  issuer: caName,
  subject: 'CN=Alice',
  serialNumber: 4711,
  extensions: [keyUsage.digitalSignature],
});

export const responder = await delegate({});

/** A delegated responder's certificate, sound but for what a test changes. */
export async function delegate(
  changes: Partial<HandmadeCertificate>,
  signer: Key = caKey,
): Promise<Certificate> {
  return certify(signer, responderKey, {
    ...validity(),
    issuer: caName,
    subject: 'CN=Responder',
    serialNumber: 99,
    extensions: [keyUsage.digitalSignature, ocspSigning, noCheck],
    ...changes,
  });
}

function validity(): Pick<HandmadeCertificate, 'notBefore' | 'notAfter'> {
  return { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') };
}

/** The CertID with which a client asks for a certificate of this issuer. */
export function certIdOf(
  certificate: Pick<Certificate, 'serialNumber'> = subject,
  issuer: Pick<Certificate, 'subject' | 'publicKey'> = ca,
  hash: CertIdHash = 'sha1',
): CertId {
  const request = OcspRequest.parse(createOcspRequest({ certificates: [certificate], issuer, hash }));
  const [requested] = request.requested;
  if (requested === undefined) throw new Error('a request asks for something');
  return requested.certId;
}

export interface ResponseChanges extends Partial<OcspResponseFields> {
  readonly key?: Key;
  readonly status?: CertificateStatus<RevocationReason>;
  readonly certId?: CertId;
  readonly thisUpdate?: Date;
  /** null for a response without one */
  readonly nextUpdate?: Date | null;
}

/** A response that says that the subject is good, by the delegated responder, sound but for what a test changes. */
export async function response(changes: ResponseChanges = {}): Promise<Uint8Array> {
  const { key = responderKey, status = { kind: 'good' }, certId = certIdOf(), ...fields } = changes;
  const { thisUpdate = at, nextUpdate = minutesLater(60), ...rest } = fields;
  const single = { certId, status, thisUpdate, ...(nextUpdate !== null && { nextUpdate }) };
  return createOcspResponse(key, 'ecdsa-sha256', {
    responder,
    producedAt: at,
    responses: [single],
    certificates: rest.responder === undefined ? [responder] : [],
    ...rest,
  });
}

/** By the CA itself. */
export async function responseByCa(changes: ResponseChanges = {}): Promise<Uint8Array> {
  return response({ key: caKey, responder: ca, ...changes });
}

export async function handmade(changes: Partial<HandmadeResponse>): Promise<Uint8Array> {
  return respond(responderKey, {
    responderId: context(2, octetString(responder.publicKey.keyIdentifier)),
    producedAt: generalizedTime(at),
    responses: [sequence(certIdOf().der, element(0x80), generalizedTime(at))],
    certificates: [responder.der],
    ...changes,
  });
}

export function verified(der: Uint8Array, inputs: Partial<OcspVerificationInputs> = {}): VerifiedOcspStatus {
  return verifyOcspResponse(OcspResponse.parse(der), { certificate: subject, issuer: ca, at, ...inputs });
}

/** What the work is refused for; undefined if it is done. */
export function codeOf(work: () => unknown): ErrorCode | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}
