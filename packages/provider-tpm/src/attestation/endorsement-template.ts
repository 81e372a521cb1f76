import { CountersignError } from '@countersign/core';
import { curves } from '../session/algorithms.ts';
import { encodePublicArea, parsePublicArea, type PublicArea } from '../session/public-area.ts';
import type { Authorization, SessionPool } from '../session/session-pool.ts';
import type { EndorsementKeySlot } from './endorsement-key-slot.ts';
import { listNvIndices, nvContents } from './nv-contents.ts';

/**
 * What the TPM's manufacturer made the endorsement key of a slot from: the template in NV where there is one, with the
 * nonce that belongs to it where there is one, else the default template (TCG EK Credential Profile 2.5, 2.2.1.4).
 * @param owner authorization for indices that cannot be read with their own authValue
 * @returns TPMT_PUBLIC for TPM2_CreatePrimary
 * @throws CountersignError `EK_TEMPLATE_MISMATCH` for a nonce that is longer than the key; what parsing the template
 *   throws, and what the TPM refuses
 */
export async function manufacturerTemplate(
  pool: SessionPool,
  { templateIndex, nonceIndex, templateArea }: EndorsementKeySlot,
  owner: Authorization | undefined,
): Promise<Uint8Array> {
  const indices = await listNvIndices(pool);
  const contents = async (index: number): Promise<Uint8Array> =>
    indices.includes(index) ? nvContents(pool, index, owner) : new Uint8Array();
  const stored = await contents(templateIndex);
  // A nonce without a template means nothing.
  if (stored.length === 0) return templateArea;
  const nonce = nonceIndex === undefined ? new Uint8Array() : await contents(nonceIndex);
  return nonce.length === 0 ? stored : withUnique(stored, nonce);
}

/** The nonce and zeros up to the length of modulus or coordinate; the other coordinate is all zeros. */
function withUnique(template: Uint8Array, nonce: Uint8Array): Uint8Array {
  const area = parsePublicArea(template);
  const length = area.type === 'rsa' ? area.keyBits / 8 : curves[area.curve].bytes;
  if (nonce.length > length) {
    throw new CountersignError(
      'EK_TEMPLATE_MISMATCH',
      `the TPM holds a nonce of ${nonce.length} octets for its endorsement key; at most ${length} fit the template`,
      'The TPM was not made as the profile says; ask its manufacturer for the template.',
      { adcs: 'CERTSRV_E_INVALID_EK' },
    );
  }
  const unique = new Uint8Array(length);
  unique.set(nonce);
  return area.type === 'rsa'
    ? encodePublicArea({ ...area, modulus: unique })
    : encodePublicArea({ ...area, x: unique, y: new Uint8Array(length) });
}

/**
 * Demands that a public area is what a slot's template makes, but for the key itself.
 * @throws CountersignError `EK_TEMPLATE_MISMATCH`, which names what differs; what parsing the public area throws
 */
export function assertMadeFrom({ template, templateArea }: EndorsementKeySlot, publicArea: Uint8Array): void {
  const differing = differences(parsePublicArea(publicArea), parsePublicArea(templateArea));
  if (differing.length === 0) return;
  throw new CountersignError(
    'EK_TEMPLATE_MISMATCH',
    `the public area of the endorsement key differs from the template ${template.name} in ${differing.join(', ')}`,
    'Name the slot that the key belongs to; verifiers accept keys of default templates only.',
    { adcs: 'CERTSRV_E_INVALID_EK' },
  );
}

function differences(found: PublicArea, template: PublicArea): readonly string[] {
  return [
    ...(keyType(found) === keyType(template) ? [] : ['the key type']),
    ...(found.nameAlgorithm === template.nameAlgorithm ? [] : ['the name algorithm']),
    ...(found.attributes === template.attributes ? [] : ['the attributes']),
    ...(Buffer.compare(found.authPolicy, template.authPolicy) === 0 ? [] : ['the policy']),
    ...(found.symmetricBits === template.symmetricBits ? [] : ['the symmetric algorithm']),
    ...(found.scheme === undefined ? [] : ['the scheme']),
  ];
}

/** TPM 2.0 part 2, 12.2.3.5: an exponent of zero stands for 2^16 + 1. */
function keyType(area: PublicArea): string {
  return area.type === 'rsa' ? `RSA ${area.keyBits}, ${area.exponent || 65537}` : area.curve;
}
