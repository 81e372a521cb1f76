import { CountersignError } from '../../errors.ts';
import type { PublicKey } from '../../keys/public-key.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { CertificateContents } from '../profiles/profile.ts';
import { extensionLints } from './extension-lints.ts';
import { fieldLints } from './field-lints.ts';

/** What a certificate is held against beside the standards. */
export interface LintContext {
  readonly issuer: Certificate;
  /** What the profile asked for. */
  readonly contents: CertificateContents;
  readonly publicKey: PublicKey;
}

/** One rule that every certificate issued here obeys. */
export interface Lint {
  /** Where the rule stands. */
  readonly clause: string;
  /** @returns what is wrong, in words that finish "the certificate …", or undefined */
  readonly defect: (certificate: Certificate, context: LintContext) => string | undefined;
}

/**
 * Holds a finished certificate against the rules, whichever code wrote it. Parsing was the first lint: DER, version 3,
 * equal algorithm identifiers, no extension twice.
 * @throws CountersignError `CERTIFICATE_NOT_CONFORMANT` naming the clause
 */
export function lintCertificate(certificate: Certificate, context: LintContext): void {
  for (const { clause, defect } of lints) {
    const found = defect(certificate, context);
    if (found === undefined) continue;
    throw new CountersignError(
      'CERTIFICATE_NOT_CONFORMANT',
      `the certificate for ${certificate.subject.toString()} ${found} (${clause})`,
      'Nothing was signed. Correct the profile, the configuration of the CA, or what the directory says of the subject.',
      { adcs: 'ERROR_INVALID_DATA' },
    );
  }
}

const lints: readonly Lint[] = [...fieldLints, ...extensionLints];
