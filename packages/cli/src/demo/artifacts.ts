import { join } from 'node:path';
import { encodePem } from '@countersign/core';
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

export async function writeArtifacts(out: string, enrolled: Enrolled, summary: unknown): Promise<void> {
  await writeArtifact(join(out, 'ca.pem'), encodePem('CERTIFICATE', enrolled.caCertificate.der));
  await writeArtifact(join(out, 'ra.pem'), encodePem('CERTIFICATE', enrolled.raCertificate.der));
  await writeArtifact(join(out, 'request.pem'), encodePem('CERTIFICATE REQUEST', enrolled.request));
  await writeArtifact(join(out, 'countersigned.cms'), enrolled.countersigned);
  await writeArtifact(join(out, 'certificate.pem'), encodePem('CERTIFICATE', enrolled.certificate.der));
  await writeArtifact(join(out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
}
