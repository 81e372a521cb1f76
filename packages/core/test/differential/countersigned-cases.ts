import { bmpString, element, objectIdentifier, sequence, time } from './der.ts';
import type { DistinguishedName } from './distinguished-names.ts';
import { extensionOids as oids } from './extension-oids.ts';
import { createHash } from 'node:crypto';
import type { SignatureScheme } from '@countersign/core';
import { hex, type AttributeValues, type CountersignedValues } from './values.ts';

/** A countersigned request as every reader must find it. */
export interface CountersignedParts {
  readonly request: Uint8Array;
  readonly agentCertificate: Uint8Array;
  readonly agentIssuer: DistinguishedName;
  readonly agentSerialNumber: string;
  readonly scheme: SignatureScheme;
  readonly requesterName: string;
  /** Where the signer states it. */
  readonly signingTime?: Date;
}

export function expectedCountersigned(parts: CountersignedParts): CountersignedValues {
  return {
    eContentType: '1.2.840.113549.1.7.1',
    content: hex(parts.request),
    certificates: [hex(parts.agentCertificate)],
    signerIssuer: parts.agentIssuer,
    signerSerialNumber: parts.agentSerialNumber,
    digestAlgorithm: digestOids[hashOf(parts.scheme)],
    signedAttributes: signedAttributes(parts),
    verifies: true,
  };
}

/** contentType, messageDigest, perhaps signingTime (RFC 5652 11.1 to 11.3) and the requester (MS-WCCE 2.2.2.7.10), by type. */
function signedAttributes(parts: CountersignedParts): AttributeValues[] {
  const { request, scheme, requesterName, signingTime } = parts;
  const digest = createHash(hashOf(scheme)).update(request).digest();
  return [
    { type: oids.contentType, values: [hex(objectIdentifier('1.2.840.113549.1.7.1'))] },
    { type: oids.messageDigest, values: [hex(element(0x04, digest))] },
    ...(signingTime === undefined ? [] : [{ type: oids.signingTime, values: [hex(time(signingTime))] }]),
    { type: oids.enrollmentNameValuePair, values: [hex(nameValuePair(requesterName))] },
  ];
}

/** EnrollmentNameValuePair ::= SEQUENCE { name BMPString, value BMPString } */
export function nameValuePair(requesterName: string): Uint8Array<ArrayBuffer> {
  return sequence(bmpString('requestername'), bmpString(requesterName));
}

export type Hash = 'sha256' | 'sha384' | 'sha512';

export function hashOf(scheme: SignatureScheme): Hash {
  if (scheme.endsWith('sha256')) return 'sha256';
  return scheme.endsWith('sha384') ? 'sha384' : 'sha512';
}

const digestOids: Readonly<Record<Hash, string>> = {
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};
