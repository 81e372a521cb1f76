import { Name, type Certificate, type EndorsementKeyInputs } from '@countersign/core';
import {
  at,
  Authority,
  ca,
  extendedKeyUsage,
  subjectAltName,
  type ExtensionFields,
} from '../path-validation/hierarchy.ts';
import { context } from '../path-validation/der.ts';
import type { ActivatingKey } from './software-activation.ts';
import { createTpmKey, endorsementKeyAttributes, type AttributeName } from './software-tpm.ts';

export const ekPurpose = '2.23.133.8.1';

const policyA = Buffer.from('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa', 'hex');
const policyB = Buffer.from(
  'b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12',
  'hex',
);
const highRange: readonly AttributeName[] = [...endorsementKeyAttributes, 'userWithAuth'];

/** Endorsement keys of the default templates, in software. */
export const templates = {
  'L-1': { algorithm: 'rsa2048', attributes: endorsementKeyAttributes, policy: policyA, symmetricBits: 128 },
  'L-2': { algorithm: 'p256', attributes: endorsementKeyAttributes, policy: policyA, symmetricBits: 128 },
  'H-3': {
    algorithm: 'p384',
    attributes: highRange,
    policy: policyB,
    symmetricBits: 256,
    nameHash: 'sha384',
  },
} as const;

export type TemplateName = keyof typeof templates;

export function endorsementKey(template: TemplateName): ActivatingKey {
  const fields = templates[template];
  const isHigh = template === 'H-3';
  return { key: createTpmKey(fields), hash: isHigh ? 'sha384' : 'sha256', aesBits: isHigh ? 256 : 128 };
}

/** A TPM with its endorsement key and the certificate that its manufacturer gave it. */
export interface EndorsedTpm {
  readonly endorsementKey: ActivatingKey;
  readonly root: Authority;
  readonly manufacturer: Authority;
  readonly certificate: Certificate;
  readonly inputs: EndorsementKeyInputs;
}

export function createEndorsedTpm(template: TemplateName = 'L-2'): EndorsedTpm {
  const ek = endorsementKey(template);
  const root = new Authority('CN=TPM Root');
  const manufacturer = new Authority('CN=TPM Manufacturer CA');
  const intermediate = root.issue(manufacturer, { subject: manufacturer.name, extensions: [ca()] });
  const certificate = manufacturer.issue(ek.key, {
    subject: '',
    extensions: endorsementExtensions(template),
  });
  const inputs = {
    publicArea: ek.key.area,
    certificate,
    trustAnchors: [root.selfSigned()],
    certificates: [intermediate],
    at,
  };
  return { endorsementKey: ek, root, manufacturer, certificate, inputs };
}

export function endorsementExtensions(template: TemplateName): ExtensionFields[] {
  return [tpmName(), usage(template === 'L-1' ? 'keyEncipherment' : 'keyAgreement'), purpose()];
}

export function purpose(...purposes: readonly string[]): ExtensionFields {
  return extendedKeyUsage(...(purposes.length === 0 ? [ekPurpose] : purposes));
}

export function usage(bit: 'keyEncipherment' | 'keyAgreement' | 'digitalSignature'): ExtensionFields {
  const values = {
    keyEncipherment: [0x03, 0x02, 0x05, 0x20],
    keyAgreement: [0x03, 0x02, 0x03, 0x08],
    digitalSignature: [0x03, 0x02, 0x07, 0x80],
  } as const;
  return { oid: '2.5.29.15', critical: true, value: Uint8Array.from(values[bit]) };
}

/** Manufacturer, model and version in one directoryName; critical, for the subject is empty. */
export function tpmName(): ExtensionFields {
  const name = Name.fromString(
    `2.23.133.2.3=${hex('id:00010002')}+2.23.133.2.2=${hex('SLB9672')}+2.23.133.2.1=${hex('id:49465800')}`,
  );
  return { ...subjectAltName(context(4, name.der)), critical: true };
}

/** A UTF8String in the form that RFC 4514 has for values of attributes without a keyword. */
function hex(text: string): string {
  const octets = Buffer.from(text);
  return `#0c${octets.length.toString(16).padStart(2, '0')}${octets.toString('hex')}`;
}
