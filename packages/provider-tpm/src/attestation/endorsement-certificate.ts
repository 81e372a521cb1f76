import { CountersignError, type Certificate } from '@countersign/core';
import type { Authorization, SessionPool } from '../session/session-pool.ts';
import { certificatesIn } from './certificate-octets.ts';
import { endorsementKeySlots, type EndorsementKeySlot } from './endorsement-key-slot.ts';
import { listNvIndices, nvContents, nvIndexName } from './nv-contents.ts';

export interface ReadCertificateOptions {
  /** Of the owner, for indices that cannot be read with their own authValue; an empty authValue if absent. */
  readonly owner?: Authorization;
}

/** The slots of which this TPM has the NV index for a certificate, in the order of `endorsementKeySlots`. */
export async function findEndorsementKeySlots(pool: SessionPool): Promise<readonly EndorsementKeySlot[]> {
  const indices = await listNvIndices(pool);
  return endorsementKeySlots.filter(({ certificateIndex }) => indices.includes(certificateIndex));
}

/**
 * Reads the certificate of an endorsement key from NV.
 * @returns undefined if there is none: no index, or one that was never written. Whether to go on without is up to the
 *   caller: some manufacturers have certificates on a server instead, some cloud TPMs have none
 * @throws CountersignError `EK_CERTIFICATE_NOT_ACCEPTABLE` for what is no certificate; what the TPM refuses
 */
export async function readEndorsementCertificate(
  pool: SessionPool,
  { certificateIndex }: EndorsementKeySlot,
  options: ReadCertificateOptions = {},
): Promise<Certificate | undefined> {
  const indices = await listNvIndices(pool);
  if (!indices.includes(certificateIndex)) return undefined;
  const place = nvIndexName(certificateIndex);
  const contents = await nvContents(pool, certificateIndex, options.owner);
  const [certificate, ...others] = certificatesIn(contents, place);
  if (others.length === 0) return certificate;
  throw new CountersignError(
    'EK_CERTIFICATE_NOT_ACCEPTABLE',
    `the ${place} holds ${1 + others.length} certificates; expected one`,
    'Get the certificate of the endorsement key from the manufacturer of the TPM.',
    { adcs: 'CERTSRV_E_INVALID_EK' },
  );
}

/**
 * Reads the certificates of the CAs above an endorsement key, which some manufacturers leave in the TPM because the TPM
 * itself, or its firmware, is one of them (TCG EK Credential Profile 2.5, 2.2.1). They are no roots of trust.
 * @returns none if there are none
 * @throws as `readEndorsementCertificate`
 */
export async function readEndorsementCertificateChain(
  pool: SessionPool,
  options: ReadCertificateOptions = {},
): Promise<readonly Certificate[]> {
  const indices = (await listNvIndices(pool)).filter((index) => index >= chain.first && index <= chain.last);
  const parts: Uint8Array[] = [];
  // In ascending order, which is that of TPM2_GetCapability; a certificate may go on in the next index.
  for (const index of indices) parts.push(await nvContents(pool, index, options.owner));
  return certificatesIn(
    Uint8Array.from(Buffer.concat(parts)),
    `NV indices from ${nvIndexName(chain.first)} on`,
  );
}

const chain = { first: 0x01c00100, last: 0x01c001ff } as const;
