import { DerReader } from '../../asn1/der-reader.ts';
import { oids } from '../../object-identifiers.ts';
import { Certificate } from '../../x509/certificate.ts';
import { readExtensions } from '../../x509/extension.ts';
import { parseCertificateTemplate, userPrincipalNamesIn } from '../../x509/microsoft-extensions.ts';
import type { Attribute } from '../certification-request-info.ts';
import { attributeMalformed } from './attribute-malformed.ts';
import { attestationNames } from './attestation-names.ts';
import { parseChallengePassword } from './challenge-password.ts';
import { parseEnrollCertType } from './enroll-cert-type.ts';
import { parseEnrollmentCspProvider } from './enrollment-csp-provider.ts';
import type { RequestAttribute } from './request-attribute.ts';
import { parseRequestClientInfo } from './request-client-info.ts';

/**
 * Reads the attributes of a certification request (RFC 2985 5.4, MS-WCCE 2.2.2.7): those known by their meaning, others
 * as `unknown`. A known attribute has one value and stands once, and there is one list of requested extensions at most.
 * @param attributes those of a `CertificationRequest`
 * @returns them in the order given
 * @throws CountersignError `DER_MALFORMED` for a value that is not of its attribute's syntax, `ATTRIBUTE_MALFORMED` for
 *   one that stands too often or breaks the bounds of its attribute; for a renewal certificate what `Certificate.parse`
 *   throws
 */
export function readRequestAttributes(attributes: readonly Attribute[]): RequestAttribute[] {
  const kinds = new Set<RequestAttribute['kind']>();
  return attributes.map(({ type, values }) => {
    const parse = parsers.get(type);
    if (parse === undefined) return uninterpreted(type, values);
    const [value, ...others] = values;
    if (value === undefined || others.length > 0) {
      throw attributeMalformed(`the attribute ${type} has ${values.length} values; expected one`);
    }
    const attribute = parse(value);
    // RFC 2985 5.4, MS-WCCE 2.2.2.7: single-valued. Two could contradict each other, also under two identifiers.
    if (kinds.has(attribute.kind)) throw attributeMalformed(`the attribute ${attribute.kind} stands twice`);
    kinds.add(attribute.kind);
    return attribute;
  });
}

const parsers: ReadonlyMap<string, (value: Uint8Array) => RequestAttribute> = new Map<
  string,
  (value: Uint8Array) => RequestAttribute
>([
  [oids.osVersion, parseOsVersion],
  [
    oids.enrollmentCspProvider,
    (value) => ({ kind: 'enrollmentCspProvider', ...parseEnrollmentCspProvider(value) }),
  ],
  [
    oids.renewalCertificate,
    (value) => ({ kind: 'renewalCertificate', certificate: Certificate.parse(value) }),
  ],
  [oids.requestClientInfo, (value) => ({ kind: 'requestClientInfo', ...parseRequestClientInfo(value) })],
  [oids.extensionRequest, (value) => parseExtensionRequest('pkcs9', value)],
  [oids.microsoftExtensionRequest, (value) => parseExtensionRequest('microsoft', value)],
  [oids.enrollCertType, (value) => ({ kind: 'enrollCertType', ...parseEnrollCertType(value) })],
  [
    oids.certificateTemplate,
    (value) => ({ kind: 'certificateTemplate', template: parseCertificateTemplate(value) }),
  ],
  [oids.userPrincipalName, parseNtPrincipalName],
  [
    oids.challengePassword,
    (value) => ({ kind: 'challengePassword', password: parseChallengePassword(value) }),
  ],
]);

/** MS-WCCE 2.2.2.7.1 recommends IA5String and takes any string type. */
function parseOsVersion(value: Uint8Array): RequestAttribute {
  const reader = DerReader.document(value, 'OS version attribute');
  const version = reader.text();
  reader.end();
  return { kind: 'osVersion', version };
}

function parseExtensionRequest(type: 'pkcs9' | 'microsoft', value: Uint8Array): RequestAttribute {
  const extensions = readExtensions(DerReader.sequence(value, 'requested extensions'));
  return { kind: 'extensionRequest', type, extensions };
}

function parseNtPrincipalName(value: Uint8Array): RequestAttribute {
  const [upn = ''] = userPrincipalNamesIn([{ kind: 'otherName', typeId: oids.userPrincipalName, value }]);
  return { kind: 'ntPrincipalName', userPrincipalName: upn };
}

function uninterpreted(type: string, values: readonly Uint8Array[]): RequestAttribute {
  const name = attestationNames.find((candidate) => oids[candidate] === type);
  return name === undefined ? { kind: 'unknown', type, values } : { kind: 'attestation', name, values };
}
