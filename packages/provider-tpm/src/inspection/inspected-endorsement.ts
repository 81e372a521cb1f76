import { Certificate, CountersignError, type EndorsementKeyTemplate } from '@countersign/core';
import {
  endorsementKeySlots,
  findEndorsementKeySlots,
  readEndorsementCertificate,
  readEndorsementCertificateChain,
  withEndorsementKey,
  type EndorsementKey,
  type EndorsementKeySlot,
} from '../attestation/index.ts';
import { listNvIndices } from '../attestation/nv-contents.ts';
import { getHandles } from '../command/get-capability.ts';
import { vouchedChannel } from './vouched-channel.ts';
import type { SessionPool } from '../session/index.ts';

export interface InspectedEndorsementCertificate {
  /** Of the EK Credential Profile, such as `L-1`. */
  readonly slot: string;
  /** NV index. */
  readonly index: number;
  /** DER, or why there is none that can be read. */
  readonly contents: { readonly der: Uint8Array } | { readonly problem: string };
}

export interface InspectedEndorsementKey {
  readonly slot: string;
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
  readonly template: EndorsementKeyTemplate;
}

/** The places for certificates that this TPM has, with what is in them; those never written are left out. */
export async function findEndorsementCertificates(
  pool: SessionPool,
): Promise<readonly InspectedEndorsementCertificate[]> {
  await assertIndicesListedTruly(pool);
  const found: InspectedEndorsementCertificate[] = [];
  for (const slot of await findEndorsementKeySlots(pool)) {
    const contents = await readOrProblem(pool, slot);
    if (contents === undefined) continue;
    found.push({ slot: slot.template.name, index: slot.certificateIndex, contents });
  }
  return found;
}

export async function readEndorsementChain(pool: SessionPool): Promise<readonly Uint8Array[]> {
  return (await readEndorsementCertificateChain(pool)).map(({ der }) => der);
}

/** @throws as `withEndorsementKey`; `EK_CERTIFICATE_NOT_ACCEPTABLE` for a certificate that could not be read */
export async function withInspectedEndorsementKey<T>(
  pool: SessionPool,
  inspected: InspectedEndorsementCertificate | undefined,
  work: (found: InspectedEndorsementKey & { readonly key: EndorsementKey }) => Promise<T>,
): Promise<T> {
  const slot = slotNamed(inspected?.slot ?? 'L-1');
  const certificate = inspected === undefined ? undefined : certificateIn(inspected);
  return withEndorsementKey(pool, { slot, certificate }, async (key) =>
    work({ slot: slot.template.name, publicArea: key.publicArea, template: slot.template, key }),
  );
}

/** Nothing vouches for the list that is worked with; an index that somebody hides would look like one that is missing. */
async function assertIndicesListedTruly(pool: SessionPool): Promise<void> {
  const vouchedFor = await getHandles(vouchedChannel(pool), 'nvIndex');
  const listed = await listNvIndices(pool);
  if (vouchedFor.join() === listed.join()) return;
  throw new CountersignError(
    'TPM_RESPONSE_NOT_AUTHENTIC',
    'the NV indices that the TPM lists differ from those that it lists in a session',
    'Find out what stands between this program and the TPM.',
  );
}

async function readOrProblem(
  pool: SessionPool,
  slot: EndorsementKeySlot,
): Promise<InspectedEndorsementCertificate['contents'] | undefined> {
  try {
    const certificate = await readEndorsementCertificate(pool, slot);
    return certificate && { der: certificate.der };
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== 'EK_CERTIFICATE_NOT_ACCEPTABLE') throw error;
    return { problem: error.message };
  }
}

function slotNamed(name: string): EndorsementKeySlot {
  const slot = endorsementKeySlots.find(({ template }) => template.name === name);
  if (slot !== undefined) return slot;
  throw new CountersignError(
    'EK_TEMPLATE_MISMATCH',
    `there is no slot ${name} for endorsement keys`,
    `Name one of ${endorsementKeySlots.map(({ template }) => template.name).join(', ')}.`,
  );
}

function certificateIn({ contents }: InspectedEndorsementCertificate): Certificate {
  if ('der' in contents) return Certificate.parse(contents.der);
  throw new CountersignError(
    'EK_CERTIFICATE_NOT_ACCEPTABLE',
    contents.problem,
    'Get the certificate of the endorsement key from the manufacturer of the TPM.',
  );
}
