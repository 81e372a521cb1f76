import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CountersignError, encodePem } from '@countersign/core';
import { writeArtifact } from '../files/output-files.ts';
import type { Enrolled } from './enroll.ts';

export interface ArtifactFile {
  readonly file: string;
  readonly holds: string;
}

export const artifactFiles: readonly ArtifactFile[] = [
  { file: 'ca.pem', holds: "the CA's certificate" },
  { file: 'ra.pem', holds: "the RA's enrollment agent certificate" },
  { file: 'request.pem', holds: "the user's PKCS#10 request" },
  { file: 'countersigned.cms', holds: 'the request countersigned by the RA (CMS, DER)' },
  { file: 'certificate.pem', holds: "the user's certificate" },
  { file: 'summary.json', holds: 'all of this for programs' },
];

/**
 * Puts all artifacts in place, or none: they are written beside their places first, where a full disk shows.
 * @throws CountersignError `FILE_UNWRITABLE`
 */
export async function writeArtifacts(out: string, enrolled: Enrolled, summary: unknown): Promise<void> {
  const contents: Record<string, Uint8Array | string> = {
    'ca.pem': encodePem('CERTIFICATE', enrolled.caCertificate.der),
    'ra.pem': encodePem('CERTIFICATE', enrolled.raCertificate.der),
    'request.pem': encodePem('CERTIFICATE REQUEST', enrolled.request),
    'countersigned.cms': enrolled.countersigned,
    'certificate.pem': encodePem('CERTIFICATE', enrolled.certificate.der),
    'summary.json': `${JSON.stringify(summary, null, 2)}\n`,
  };
  const draft = await mkdtemp(join(out, '.artifacts.new-'));
  try {
    for (const [file, content] of Object.entries(contents)) await writeArtifact(join(draft, file), content);
    for (const file of Object.keys(contents)) await rename(join(draft, file), join(out, file));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * Anybody's ca.pem may lie in a directory; only a demonstration's makes way for the next.
 * @throws CountersignError `STATE_EXISTS`
 */
export async function assertNoForeignArtifacts(out: string): Promise<void> {
  const names = new Set(await readdir(out));
  const foreign = artifactFiles.find(({ file }) => names.has(file));
  if (foreign === undefined) return;
  throw new CountersignError(
    'STATE_EXISTS',
    `${join(out, foreign.file)} is in the way, and no demonstration made it`,
    'Name another directory with --out.',
  );
}
