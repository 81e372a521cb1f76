import {
  CertificationAuthority,
  createRootCertificate,
  MemoryLedger,
  type CompleteCrlContents,
} from '@countersign/core';
import { coreName, withOneScheme } from './core-chain.ts';
import type { CrlCase } from './crl-cases.ts';

/** What core's CA wrote, with its certificate. */
export async function writeCrl(crlCase: CrlCase): Promise<{ crl: Uint8Array; ca: Uint8Array }> {
  const key = withOneScheme(crlCase.ca);
  const certificate = await createRootCertificate(key, coreName(crlCase.caName), crlCase.thisUpdate);
  const authority = new CertificationAuthority({
    key,
    certificate,
    directory: { findByUpn: nobody, findByAccount: nobody },
    ledger: new RevocationLedger(crlCase),
    helloLogonTemplate: { oid: '1.3.6.1.4.1.311.21.8.1', majorVersion: 1, minorVersion: 0 },
    crlUris: ['http://pki.example/ca.crl'],
    caIssuersUris: ['http://pki.example/ca.cer'],
    crlValidityMs: crlCase.validityMs,
    clock: () => crlCase.thisUpdate,
  });
  return { crl: await authority.createCrl(), ca: certificate.der };
}

/** A ledger in which certificates were revoked that never had to be issued. */
class RevocationLedger extends MemoryLedger {
  readonly #crlCase: CrlCase;

  constructor(crlCase: CrlCase) {
    super();
    this.#crlCase = crlCase;
  }

  override beginCrl(): Promise<CompleteCrlContents> {
    const { crlNumber: number, revoked } = this.#crlCase;
    return Promise.resolve({ number, revoked });
  }

  override recordCrl(): Promise<void> {
    return Promise.resolve();
  }
}

function nobody(): Promise<undefined> {
  return Promise.resolve(undefined);
}
