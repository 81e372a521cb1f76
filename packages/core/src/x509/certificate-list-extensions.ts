import { boolean, context, contextContents, integer, sequence } from '../asn1/der-writer.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import type { Extension } from './extension.ts';
import { encodeGeneralName } from './general-name.ts';
import { cRLDistributionPoints } from './standard-extensions.ts';

/** Writers of the extensions of RFC 5280 5.2 that say what a CRL covers. */

/** The scope of a CRL that does not cover all certificates of its issuer, or that is tied to a place. */
export interface CertificateListScope {
  /** URIs of the distribution point; a certificate's own must name one of them. */
  readonly uris?: readonly string[];
  /** Which certificates the CRL is limited to. */
  readonly only?: 'userCertificates' | 'caCertificates';
}

/** RFC 5280 5.2.5: critical. @throws CountersignError `VALUE_OUT_OF_RANGE` if it would be empty */
export function issuingDistributionPoint({ uris = [], only }: CertificateListScope): Extension {
  if (uris.length === 0 && only === undefined) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      'the scope of the CRL says nothing; RFC 5280 5.2.5 forbids an empty issuingDistributionPoint',
      'Give URIs or the kind of certificates, or leave the scope out.',
    );
  }
  const names = uris.map((text) => encodeGeneralName({ kind: 'uniformResourceIdentifier', text }));
  const parts = [
    ...(names.length === 0 ? [] : [context(0, context(0, ...names))]),
    ...(only === undefined ? [] : [contextContents(only === 'userCertificates' ? 1 : 2, contentsOfTrue)]),
  ];
  return { oid: oids.issuingDistributionPoint, critical: true, value: sequence(...parts) };
}

/** RFC 5280 5.2.4: critical. */
export function deltaCrlIndicator(baseNumber: number): Extension {
  return { oid: oids.deltaCRLIndicator, critical: true, value: integer(baseNumber) };
}

/** RFC 5280 5.2.6: where the deltas for this CRL are found; never critical. */
export function freshestCrl(uris: readonly string[]): Extension {
  return { ...cRLDistributionPoints(uris), oid: oids.freshestCRL };
}

const contentsOfTrue = boolean(true).subarray(2);
