import type { EndorsementKeyTemplate } from '@countersign/core';
import { curves, type HashAlgorithm } from '../session/algorithms.ts';
import { encodePublicArea, objectAttributes } from '../session/public-area.ts';
import { policyA, policyB } from './endorsement-policy.ts';

/** Where a TPM keeps the certificate of an endorsement key, and what it makes the key from. */
export interface EndorsementKeySlot {
  /** NV index of the certificate. */
  readonly certificateIndex: number;
  /** NV index of a template that the manufacturer used instead, if there is one. */
  readonly templateIndex: number;
  /** NV index of what goes into the template's `unique`, if there is such; the low range's alone. */
  readonly nonceIndex: number | undefined;
  /** For `verifyEndorsementKey`, which knows L-1, L-2 and H-3 without being told. */
  readonly template: EndorsementKeyTemplate;
  /** TPMT_PUBLIC for TPM2_CreatePrimary: the default template. */
  readonly templateArea: Uint8Array;
}

const lowRangeAttributes = [
  ['fixedTPM', objectAttributes.fixedTpm],
  ['fixedParent', objectAttributes.fixedParent],
  ['sensitiveDataOrigin', objectAttributes.sensitiveDataOrigin],
  ['adminWithPolicy', objectAttributes.adminWithPolicy],
  ['restricted', objectAttributes.restricted],
  ['decrypt', objectAttributes.decrypt],
] as const;

const highRangeAttributes = [...lowRangeAttributes, ['userWithAuth', objectAttributes.userWithAuth]] as const;

/**
 * The slots of the low and the high range (TCG EK Credential Profile 2.5, 2.2.1.4, 2.2.1.5, B.3 and B.4). H-5, of SM2, is
 * left out.
 */
export const endorsementKeySlots: readonly EndorsementKeySlot[] = [
  slot('L-1', 0x01c00002, 'low', 'sha256', { type: 'rsa', keyBits: 2048 }),
  slot('L-2', 0x01c0000a, 'low', 'sha256', { type: 'ecc', curve: 'p256' }),
  slot('H-1', 0x01c00012, 'high', 'sha256', { type: 'rsa', keyBits: 2048 }),
  slot('H-2', 0x01c00014, 'high', 'sha256', { type: 'ecc', curve: 'p256' }),
  slot('H-3', 0x01c00016, 'high', 'sha384', { type: 'ecc', curve: 'p384' }),
  slot('H-4', 0x01c00018, 'high', 'sha512', { type: 'ecc', curve: 'p521' }),
  slot('H-6', 0x01c0001c, 'high', 'sha384', { type: 'rsa', keyBits: 3072 }),
  slot('H-7', 0x01c0001e, 'high', 'sha384', { type: 'rsa', keyBits: 4096 }),
];

type KeyShape =
  | { readonly type: 'rsa'; readonly keyBits: 2048 | 3072 | 4096 }
  | { readonly type: 'ecc'; readonly curve: 'p256' | 'p384' | 'p521' };

function slot(
  name: string,
  certificateIndex: number,
  range: 'low' | 'high',
  nameAlgorithm: HashAlgorithm,
  shape: KeyShape,
): EndorsementKeySlot {
  const attributes = range === 'low' ? lowRangeAttributes : highRangeAttributes;
  const authPolicy = range === 'low' ? policyA(nameAlgorithm) : policyB(nameAlgorithm);
  const symmetricBits = nameAlgorithm === 'sha256' ? 128 : 256;
  const template: EndorsementKeyTemplate = {
    name,
    algorithm: shape.type === 'rsa' ? `rsa${shape.keyBits}` : shape.curve,
    nameAlgorithm,
    attributes: attributes.map(([attribute]) => attribute),
    authPolicy,
    symmetricKeyBits: symmetricBits,
  };
  const common = {
    nameAlgorithm,
    attributes: attributes.reduce((value, [, bit]) => value | bit, 0),
    authPolicy,
    symmetricBits,
    scheme: undefined,
  } as const;
  const templateArea =
    shape.type === 'rsa'
      ? encodePublicArea({ ...common, ...shape, exponent: 0, modulus: unique(range, shape.keyBits / 8) })
      : encodePublicArea({
          ...common,
          ...shape,
          x: unique(range, curves[shape.curve].bytes),
          y: unique(range, curves[shape.curve].bytes),
        });
  return {
    certificateIndex,
    templateIndex: certificateIndex + (range === 'low' ? 2 : 1),
    nonceIndex: range === 'low' ? certificateIndex + 1 : undefined,
    template,
    templateArea,
  };
}

/** `unique` counts in the making of a primary key: zeros as long as the key in the low range, nothing in the high one. */
function unique(range: 'low' | 'high', bytes: number): Uint8Array {
  return new Uint8Array(range === 'low' ? bytes : 0);
}
