import { createCertificateList, type CertificateListFields } from '../x509/create-certificate-list.ts';
import type { CertificateListScope } from '../x509/certificate-list-extensions.ts';
import { issuerKeyIdentifier } from '../x509/issuer-key-identifier.ts';
import type { Issuance } from './issuance/issue-certificate.ts';

export interface CrlOptions {
  /** Seven days if absent. */
  readonly crlValidityMs?: number;
  /** A day if absent. */
  readonly deltaCrlValidityMs?: number;
  /** What the CRLs say they are limited to (issuingDistributionPoint); nothing if absent. */
  readonly crlScope?: CertificateListScope;
  /** Where complete CRLs say that the deltas for them are. */
  readonly deltaCrlUris?: readonly string[];
}

/** Signs the CA's CRLs: each has a number of its own, and says what the ledger had at that instant. */
export class CrlPublisher {
  readonly #issuance: Issuance;
  readonly #options: CrlOptions;

  constructor(issuance: Issuance, options: CrlOptions) {
    this.#issuance = issuance;
    this.#options = options;
  }

  /** @returns CertificateList, DER */
  async createComplete(thisUpdate: Date): Promise<Uint8Array> {
    const { crlValidityMs = 7 * dayMs, deltaCrlUris = [] } = this.#options;
    const { number, revoked } = await this.#issuance.ledger.beginCrl(thisUpdate);
    return this.#sign(crlValidityMs, { number, thisUpdate, revoked, freshestCrlUris: deltaCrlUris }, {});
  }

  /** @returns CertificateList, DER. @throws CountersignError `CRL_BASE_MISSING` */
  async createDelta(thisUpdate: Date): Promise<Uint8Array> {
    const { deltaCrlValidityMs = dayMs } = this.#options;
    const contents = await this.#issuance.ledger.beginDeltaCrl(thisUpdate);
    const { number, baseNumber, revoked, released } = contents;
    const delta = { baseNumber, released };
    return this.#sign(
      deltaCrlValidityMs,
      { number, thisUpdate, revoked, delta },
      {
        baseNumber: String(baseNumber),
      },
    );
  }

  /** A CRL that cannot be recorded is not handed out, and no delta counts from it. */
  async #sign(
    validityMs: number,
    fields: Omit<CertificateListFields, 'issuer' | 'authorityKeyIdentifier' | 'nextUpdate' | 'scope'>,
    details: Readonly<Record<string, string>>,
  ): Promise<Uint8Array> {
    const { key, scheme, issuer, ledger } = this.#issuance;
    const { crlScope } = this.#options;
    const crl = await createCertificateList(key, scheme, {
      ...fields,
      issuer: issuer.subject,
      authorityKeyIdentifier: issuerKeyIdentifier(issuer),
      nextUpdate: new Date(fields.thisUpdate.getTime() + validityMs),
      ...(crlScope === undefined ? {} : { scope: crlScope }),
    });
    const entries = [...fields.revoked].length + [...(fields.delta?.released ?? [])].length;
    await ledger.recordCrl(fields.number, {
      at: fields.thisUpdate,
      event: 'crl-issued',
      details: { number: String(fields.number), entries: String(entries), ...details },
    });
    return crl;
  }
}

const dayMs = 24 * 3_600_000;
