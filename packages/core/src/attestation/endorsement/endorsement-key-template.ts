import type { KeyAlgorithm } from '../../keys/key-algorithm.ts';
import type { HashAlgorithm } from '../../keys/signature-algorithm.ts';
import { endorsementRefused } from '../refusal.ts';
import type { ObjectAttribute } from '../tpm/object-attributes.ts';
import type { TpmPublicArea } from '../tpm/public-area.ts';

/** How an endorsement key is made, so that every TPM makes it alike. */
export interface EndorsementKeyTemplate {
  /** Its name in the profile. */
  readonly name: string;
  readonly algorithm: KeyAlgorithm;
  readonly nameAlgorithm: HashAlgorithm;
  readonly attributes: readonly ObjectAttribute[];
  readonly authPolicy: Uint8Array;
  readonly symmetricKeyBits: 128 | 192 | 256;
}

const lowRangeAttributes = [
  'fixedTPM',
  'fixedParent',
  'sensitiveDataOrigin',
  'adminWithPolicy',
  'restricted',
  'decrypt',
] as const;

/** PolicyA: TPM2_PolicySecret with the endorsement hierarchy (TCG EK Credential Profile, B.6.2). */
const policyASha256 = Buffer.from('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa', 'hex');

/** PolicyB: PolicyA, or what an NV index says (B.6.5). */
const policyBSha384 = Buffer.from(
  'b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12',
  'hex',
);

/** The default templates that TPMs have certificates for (TCG EK Credential Profile, B.3.3, B.3.4, B.4.5). */
export const endorsementKeyTemplates: readonly EndorsementKeyTemplate[] = [
  {
    name: 'L-1',
    algorithm: 'rsa2048',
    nameAlgorithm: 'sha256',
    attributes: lowRangeAttributes,
    authPolicy: policyASha256,
    symmetricKeyBits: 128,
  },
  {
    name: 'L-2',
    algorithm: 'p256',
    nameAlgorithm: 'sha256',
    attributes: lowRangeAttributes,
    authPolicy: policyASha256,
    symmetricKeyBits: 128,
  },
  {
    name: 'H-3',
    algorithm: 'p384',
    nameAlgorithm: 'sha384',
    attributes: [...lowRangeAttributes, 'userWithAuth'],
    authPolicy: policyBSha384,
    symmetricKeyBits: 256,
  },
];

/**
 * The template that a public area was made from.
 * @throws CountersignError `EK_TEMPLATE_MISMATCH`
 */
export function templateOf(
  publicArea: TpmPublicArea,
  templates: readonly EndorsementKeyTemplate[],
): EndorsementKeyTemplate {
  const sameAlgorithm = templates.filter(({ algorithm }) => algorithm === publicArea.publicKey.algorithm);
  const template = sameAlgorithm.find((candidate) => differences(publicArea, candidate).length === 0);
  if (template !== undefined) return template;
  const [nearest] = sameAlgorithm;
  throw endorsementRefused(
    'EK_TEMPLATE_MISMATCH',
    nearest === undefined
      ? `no template makes endorsement keys of ${publicArea.publicKey.algorithm}; expected ${templates.map(({ algorithm }) => algorithm).join(', ')}`
      : `the public area differs from the template ${nearest.name} in ${differences(publicArea, nearest).join(', ')}`,
    'Make the endorsement key from the default template (TPM2_CreatePrimary in the endorsement hierarchy).',
  );
}

function differences(publicArea: TpmPublicArea, template: EndorsementKeyTemplate): string[] {
  const { attributes } = publicArea;
  const sameAttributes =
    attributes.size === template.attributes.length &&
    template.attributes.every((name) => attributes.has(name));
  return [
    ...(publicArea.nameAlgorithm === template.nameAlgorithm ? [] : ['the name algorithm']),
    ...(sameAttributes ? [] : ['the attributes']),
    ...(Buffer.compare(publicArea.authPolicy, template.authPolicy) === 0 ? [] : ['the policy']),
    ...(publicArea.symmetric?.keyBits === template.symmetricKeyBits ? [] : ['the symmetric algorithm']),
    ...(publicArea.scheme === undefined ? [] : ['the scheme']),
  ];
}
