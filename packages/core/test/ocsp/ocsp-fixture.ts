import {
  CertificationAuthority,
  createCertificationRequest,
  createRootCertificate,
  MemoryLedger,
  Name,
  OcspResponder,
  type Certificate,
  type Key,
  type KeyAlgorithm,
  type OcspResponderOptions,
} from '@countersign/core';
import { softwareKey } from '../enrollment/software-key.ts';

/** The time of whole seconds at which the tests run: `openssl ocsp` knows no other than the machine's. */
export const now = new Date(Math.floor(Date.now() / 1000) * 1000);

/** A CA with a ledger, and someone who answers for it. */
export interface OcspService {
  readonly clock: { now: Date };
  readonly ledger: MemoryLedger;
  readonly caKey: Key;
  readonly ca: CertificationAuthority;
  readonly responderKey: Key;
  /** Profile `ocsp-responder`. */
  readonly responderCertificate: Certificate;
  /** Issues one more certificate to ask about. */
  issue(): Promise<Certificate>;
  /** Signs as the delegated responder unless told otherwise. */
  responder(options?: Partial<OcspResponderOptions>): OcspResponder;
}

export async function createOcspService(
  algorithms: { ca?: KeyAlgorithm; responder?: KeyAlgorithm } = {},
): Promise<OcspService> {
  const clock = { now };
  const ledger = new MemoryLedger();
  const caKey = await softwareKey(algorithms.ca ?? 'p256');
  const ca = new CertificationAuthority({
    key: caKey,
    certificate: await createRootCertificate(caKey, Name.fromString('CN=Contoso Issuing CA,O=Contoso'), now),
    directory: { findByUpn: nobody, findByAccount: nobody },
    ledger,
    helloLogonTemplate: { oid: '1.3.6.1.4.1.311.21.8.1', majorVersion: 1, minorVersion: 0 },
    crlUris: ['http://pki.contoso.example/ca.crl'],
    caIssuersUris: ['http://pki.contoso.example/ca.cer'],
    ocspUris: ['http://ocsp.contoso.example/'],
    clock: () => clock.now,
  });
  const responderKey = await softwareKey(algorithms.responder ?? 'p256');
  const responderCertificate = await ca.issueForOperator(await createCertificationRequest(responderKey), {
    profile: 'ocsp-responder',
    subject: Name.fromString('CN=Contoso OCSP,O=Contoso'),
  });
  const endEntityKey = await softwareKey('p256');
  let issued = 0;
  return {
    clock,
    ledger,
    caKey,
    ca,
    responderKey,
    responderCertificate,
    issue: async () => {
      // A request of its own each time: the ledger answers none twice.
      const request = await createCertificationRequest(endEntityKey, {
        subject: Name.fromString(`CN=${++issued}`),
      });
      return ca.issueForOperator(request, {
        profile: 'enrollment-agent',
        subject: Name.fromString('CN=Agent'),
      });
    },
    responder: (options = {}) =>
      new OcspResponder({
        key: responderKey,
        certificate: responderCertificate,
        issuer: ca.certificate,
        ledger,
        clock: () => clock.now,
        ...options,
      }),
  };
}

/** A certificate of the service in one of the states that clients tell apart. */
export type State = 'good' | 'revoked' | 'held' | 'unknown';

export const states = ['good', 'revoked', 'held', 'unknown'] as const satisfies readonly State[];

export async function certificateInState(service: OcspService, state: State): Promise<Certificate> {
  // Of the same name and key as the CA, but not in its ledger.
  if (state === 'unknown') return createRootCertificate(service.caKey, service.ca.certificate.subject, now);
  const certificate = await service.issue();
  if (state === 'revoked') await service.ca.revoke(certificate.serialNumber, 'keyCompromise');
  if (state === 'held') await service.ca.revoke(certificate.serialNumber, 'certificateHold');
  return certificate;
}

async function nobody(): Promise<undefined> {
  return Promise.resolve(undefined);
}
