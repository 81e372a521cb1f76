import {
  createCertificationRequest,
  Name,
  subjectAltName,
  userPrincipalName,
  type Extension,
} from '@countersign/core';
import { toRfc4514 } from './distinguished-names.ts';
import type { RequestCase } from './request-cases.ts';
import { octets, type ExtensionValues } from './values.ts';

/** Writes the request with core. */
export async function writeRequest(requestCase: RequestCase): Promise<Uint8Array> {
  const { signer, subject, userPrincipalNames, extensions, attributes } = requestCase;
  return createCertificationRequest(signer.key, {
    scheme: signer.scheme,
    subject: Name.fromString(toRfc4514(subject)),
    extensionRequests: [
      ...(userPrincipalNames.length === 0 ? [] : [subjectAltName(userPrincipalNames.map(userPrincipalName))]),
      ...extensions.map(extension),
    ],
    attributes: attributes.map(({ type, values }) => ({ type, values: values.map(octets) })),
  });
}

function extension({ oid, critical, value }: ExtensionValues): Extension {
  return { oid, critical, value: octets(value) };
}
