import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { soakTpm } from './soak.ts';

/**
 * `npm run soak:tpm`: 70,000 signatures, or as many as COUNTERSIGN_SIGNATURES says. Prints a summary in JSON; exit status 1
 * after a wrong signature, a leaked handle, a counted failure or growing memory.
 */
const signatures = Number(process.env['COUNTERSIGN_SIGNATURES'] ?? '70000');
const maxGrowthMiB = 64;

const directory = await mkdtemp(join(tmpdir(), 'countersign-tpm-soak-'));
try {
  const summary = await soakTpm(directory, signatures);
  process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
  const { wrong, handlesLeft, failures, rssAtEndMiB, rssAtTenthMiB } = summary;
  if (wrong + handlesLeft + failures > 0 || rssAtEndMiB - rssAtTenthMiB > maxGrowthMiB) process.exitCode = 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}
