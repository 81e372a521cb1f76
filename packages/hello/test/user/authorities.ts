import {
  CertificationAuthority,
  createCertificationRequest,
  createRootCertificate,
  MemoryLedger,
  Name,
  RegistrationAuthority,
  type Directory,
} from '@countersign/core';
import { createMemoryProvider } from '@countersign/provider-memory';

/** An RA and a CA in this process, and a clock that tests set. */
export interface Authorities {
  readonly ca: CertificationAuthority;
  readonly ledger: MemoryLedger;
  readonly clock: () => Date;
  /** What the clock says. */
  now: Date;
  /** @param request PKCS#10, DER */
  enroll(request: Uint8Array, upn: string): Promise<Uint8Array>;
}

export async function makeAuthorities(directory: Directory): Promise<Authorities> {
  const services = await createMemoryProvider();
  const ledger = new MemoryLedger();
  const caKey = await services.generate({ algorithm: 'p256', label: 'ca' });
  let now = new Date();
  const clock = (): Date => now;
  const ca = new CertificationAuthority({
    key: caKey,
    certificate: await createRootCertificate(caKey, Name.fromString('CN=CA'), now),
    directory,
    ledger,
    helloLogonTemplate: { oid: '1.3.6.1.4.1.311.21.8.1', majorVersion: 1, minorVersion: 0 },
    crlUris: [],
    caIssuersUris: [],
    clock,
  });
  const raKey = await services.generate({ algorithm: 'p256', label: 'ra' });
  const certificate = await ca.issueForOperator(await createCertificationRequest(raKey), {
    profile: 'enrollment-agent',
    subject: Name.fromString('CN=RA'),
  });
  const ra = new RegistrationAuthority({ key: raKey, certificate, directory, clock });
  return {
    ca,
    ledger,
    clock,
    get now() {
      return now;
    },
    set now(at: Date) {
      now = at;
    },
    enroll: async (request, upn) => (await ca.issue((await ra.countersign(request, upn)).der)).der,
  };
}
