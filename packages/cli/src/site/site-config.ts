import { join, resolve } from 'node:path';
import { writeFileAtomic } from '@countersign/state';
import { readJsonFile } from '../files/json-file.ts';

/** The services of an organization on trial, which run together on one machine (`site.json`). */
export interface SiteConfig {
  /** Directory of the CA; absolute, as all paths here. */
  readonly ca: string;
  /** Directory of the RA, whose directory of users is the one on premises. */
  readonly ra: string;
  /** Directory of the cloud's users, with their devices and second factors. */
  readonly cloud: string;
  /** Whether the registration service's key receipts let the RA take keys before their sync. */
  readonly synchronousEnrollment: boolean;
  readonly syncIntervalMinutes: number;
  /** References of the keys that sign tokens and key receipts. */
  readonly tokenKeyRef: string;
  readonly receiptKeyRef: string;
}

/** @throws CountersignError `CONFIGURATION_INVALID`, `STATE_MISSING` */
export async function readSiteConfig(dir: string): Promise<SiteConfig> {
  return readJsonFile(join(dir, fileName), format, (document, folder) => ({
    ca: resolve(folder, document.string('ca')),
    ra: resolve(folder, document.string('ra')),
    cloud: resolve(folder, document.string('cloud')),
    synchronousEnrollment: document.boolean('synchronousEnrollment'),
    syncIntervalMinutes: document.integer('syncIntervalMinutes', { min: 1, max: 7 * 24 * 60 }),
    tokenKeyRef: document.string('tokenKeyRef'),
    receiptKeyRef: document.string('receiptKeyRef'),
  }));
}

export async function writeSiteConfig(dir: string, config: SiteConfig): Promise<void> {
  await writeFileAtomic(
    join(dir, fileName),
    `${JSON.stringify({ format, version: 1, ...config }, null, 2)}\n`,
  );
}

const fileName = 'site.json';
const format = 'countersign-site';
