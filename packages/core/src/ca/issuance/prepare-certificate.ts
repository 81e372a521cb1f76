import type { Key } from '../../keys/key-provider.ts';
import type { PublicKey } from '../../keys/public-key.ts';
import type { SignatureScheme } from '../../keys/signature-scheme.ts';
import { Certificate } from '../../x509/certificate.ts';
import { sign } from '../../x509/signed-structure.ts';
import { encodeTbsCertificate } from '../../x509/tbs-certificate.ts';
import { issuerExtensions, type CertificateContents, type Issuer } from '../profiles/profile.ts';
import { lintCertificate } from './lint-certificate.ts';
import { PreparedCertificate } from './prepared-certificate.ts';
import { newSerialNumber } from './serial-number.ts';
import { createThrowAwayKey } from './throw-away-key.ts';
import { validityFrom } from './validity.ts';

/**
 * The first half of issuance: composes the certificate and looks at it as a relying party would, signed by a key that
 * nobody trusts. The CA's own key signs in the second half, and only what passed here.
 */
export class CertificatePreparer {
  readonly #issuer: Issuer;
  readonly #scheme: SignatureScheme;
  #throwAwayKey: Promise<Pick<Key, 'sign'>> | undefined;

  constructor(issuer: Issuer, scheme: SignatureScheme) {
    this.#issuer = issuer;
    this.#scheme = scheme;
  }

  /** @throws CountersignError `CERTIFICATE_NOT_CONFORMANT` and what parsing refuses, if the profile went wrong */
  async prepare(
    contents: CertificateContents,
    publicKey: PublicKey,
    now: Date,
  ): Promise<PreparedCertificate> {
    const issuer = this.#issuer.certificate;
    const validity = validityFrom(now, contents, issuer);
    const serialNumber = newSerialNumber();
    const tbsCertificate = encodeTbsCertificate({
      serialNumber,
      scheme: this.#scheme,
      issuer: issuer.subject,
      ...validity,
      subject: contents.subject,
      publicKey,
      extensions: [...contents.extensions, ...issuerExtensions(this.#issuer, publicKey)],
    });
    this.#throwAwayKey ??= createThrowAwayKey(this.#scheme);
    const twin = Certificate.parse(await sign(await this.#throwAwayKey, this.#scheme, tbsCertificate));
    lintCertificate(twin, { issuer, contents, publicKey });
    return new PreparedCertificate(twin.serialNumber, validity.notAfter, tbsCertificate);
  }
}
