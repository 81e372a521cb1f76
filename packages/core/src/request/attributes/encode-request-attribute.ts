import { ia5String } from '../../asn1/der-writer.ts';
import { oids } from '../../object-identifiers.ts';
import { encodeExtensions } from '../../x509/extension.ts';
import { certificateTemplate, encodeUserPrincipalName } from '../../x509/microsoft-extensions.ts';
import type { Attribute } from '../certification-request-info.ts';
import { attributeMalformed } from './attribute-malformed.ts';
import { encodeEnrollCertType } from './enroll-cert-type.ts';
import { encodeEnrollmentCspProvider } from './enrollment-csp-provider.ts';
import type { ExtensionRequest, RequestAttribute } from './request-attribute.ts';
import { encodeRequestClientInfo } from './request-client-info.ts';

/**
 * Writes an attribute for `createCertificationRequest`.
 * @throws CountersignError `VALUE_OUT_OF_RANGE`, `ATTRIBUTE_MALFORMED` for what `readRequestAttributes` would refuse
 */
export function encodeRequestAttribute(attribute: RequestAttribute): Attribute {
  switch (attribute.kind) {
    case 'osVersion':
      return single(oids.osVersion, ia5String(attribute.version));
    case 'enrollmentCspProvider':
      return single(oids.enrollmentCspProvider, encodeEnrollmentCspProvider(attribute));
    case 'renewalCertificate':
      return single(oids.renewalCertificate, attribute.certificate.der);
    case 'requestClientInfo':
      return single(oids.requestClientInfo, encodeRequestClientInfo(attribute));
    case 'extensionRequest':
      return encodeExtensionRequest(attribute);
    case 'enrollCertType':
      return single(oids.enrollCertType, encodeEnrollCertType(attribute));
    case 'certificateTemplate':
      return single(oids.certificateTemplate, certificateTemplate(attribute.template).value);
    case 'ntPrincipalName':
      return single(oids.userPrincipalName, encodeUserPrincipalName(attribute.userPrincipalName));
    case 'challengePassword':
      return single(oids.challengePassword, attribute.password.encode());
    case 'attestation':
      return { type: oids[attribute.name], values: attribute.values };
    case 'unknown':
      return { type: attribute.type, values: attribute.values };
  }
}

function single(type: string, value: Uint8Array): Attribute {
  return { type, values: [value] };
}

function encodeExtensionRequest({ type, extensions }: ExtensionRequest): Attribute {
  // RFC 5280 4.1: Extensions is SIZE (1..MAX); 4.2: none more than once.
  if (extensions.length === 0 || new Set(extensions.map(({ oid }) => oid)).size !== extensions.length) {
    throw attributeMalformed('the list of requested extensions is empty or has one of them twice');
  }
  const id = type === 'pkcs9' ? oids.extensionRequest : oids.microsoftExtensionRequest;
  return single(id, encodeExtensions(extensions));
}
