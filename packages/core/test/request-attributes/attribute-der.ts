import { readRequestAttributes, type Attribute, type RequestAttribute } from '@countersign/core';

/** An attribute with these values, as a request has it. */
export function attribute(type: string, ...values: readonly Uint8Array[]): Attribute {
  return { type, values };
}

/** What an attribute with one value means. */
export function meaningOf(type: string, value: Uint8Array): RequestAttribute | undefined {
  return readRequestAttributes([attribute(type, value)])[0];
}

export const types = {
  osVersion: '1.3.6.1.4.1.311.13.2.3',
  enrollmentCspProvider: '1.3.6.1.4.1.311.13.2.2',
  renewalCertificate: '1.3.6.1.4.1.311.13.1',
  requestClientInfo: '1.3.6.1.4.1.311.21.20',
  certExtensions: '1.3.6.1.4.1.311.2.1.14',
  extensionRequest: '1.2.840.113549.1.9.14',
  enrollCertType: '1.3.6.1.4.1.311.20.2',
  certificateTemplate: '1.3.6.1.4.1.311.21.7',
  ntPrincipalName: '1.3.6.1.4.1.311.20.2.3',
  challengePassword: '1.2.840.113549.1.9.7',
} as const;
