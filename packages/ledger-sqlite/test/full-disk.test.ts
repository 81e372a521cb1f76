import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Certificate,
  createCertificationRequest,
  verifyAuditChain,
  type AuditRecord,
  type CountersignError,
  type Ledger,
} from '@countersign/core';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import { describe, expect, test } from 'vitest';
import { createSite, ledgerPath, newKey, openSite, signaturesPath, type CaSite } from './children/ca-site.ts';
import { refusal } from './refusal.ts';
import { useSmallFileSystem } from './small-file-system.ts';
import { temporaryFolder } from './temporary-folder.ts';

describe('a CA whose ledger lies on a full disk', () => {
  const fileSystem = useSmallFileSystem();

  test('signs nothing, refuses with LEDGER_UNAVAILABLE, and answers the same request once there is space', async () => {
    const { site, ledger, free, signatures } = await siteOn(fileSystem.folder);
    await site.ca.issue(await requestFor(site, 1));
    const waiting = await requestFor(site, 2);
    const full = await fill(ledger);
    const before = signatures();
    for (let attempt = 0; attempt < 3; attempt++) {
      expect((await refusal(site.ca.issue(waiting), 'LEDGER_UNAVAILABLE')).hint).toContain('Free space');
    }
    expect(signatures()).toBe(before);
    // Readable all the while, and whole: the refusals found no room in it.
    expect((await verifyAuditChain(ledger.readAudit())).count).toBe(full);

    await free();
    const certificate = await site.ca.issue(waiting);
    expect((await ledger.find(certificate.serialNumber))?.certificate).toEqual(certificate.der);
    expect(signatures()).toBe(before + 1);
    expect((await verifyAuditChain(ledger.readAudit())).count).toBe(full + 1);
    await ledger.close();
  });

  test('has every certificate on record that it handed out before, and none that it did not', async () => {
    const { site, ledger, free, signatures } = await siteOn(fileSystem.folder);
    const { received, error } = await issueUntilRefused(site);
    expect(error.code).toBe('LEDGER_UNAVAILABLE');
    expect(received.length).toBeGreaterThan(10);
    // The last may have been signed before the disk was full; it is reserved, and never left the CA.
    expect(signatures() - received.length).toBeLessThanOrEqual(1);

    await free();
    const path = join(fileSystem.folder, 'ledger.sqlite');
    await ledger.close();
    const reopened = await openSqliteLedger(path, { ifMissing: 'refuse' });
    for (const { serialNumber, der } of received) {
      expect((await reopened.find(serialNumber))?.certificate).toEqual(der);
    }
    const issued = (await auditOf(reopened)).filter(({ event }) => event === 'certificate-issued');
    // And the agent's.
    expect(issued).toHaveLength(received.length + 1);
    await verifyAuditChain(reopened.readAudit());
    await reopened.close();
  });
});

interface SiteOnSmallDisk {
  readonly site: CaSite;
  readonly ledger: Ledger;
  /** Makes room again. */
  readonly free: () => Promise<void>;
  /** How many signatures the CA's key made for users. */
  readonly signatures: () => number;
}

/** The CA's ledger lies on the small disk, its keys and the count of its signatures elsewhere. */
async function siteOn(disk: string): Promise<SiteOnSmallDisk> {
  const ballast = join(disk, 'ballast');
  await writeFile(ballast, new Uint8Array(300_000));
  const folder = await temporaryFolder();
  const ledger = await openSqliteLedger(ledgerPath(disk));
  await createSite(folder, ledger);
  return {
    site: openSite(folder, ledger),
    ledger,
    free: async () => rm(ballast),
    signatures: () => readFileSync(signaturesPath(folder), 'utf8').split('\n').length - 1,
  };
}

async function requestFor({ ra, register }: CaSite, number: number): Promise<Uint8Array> {
  const key = newKey();
  const { upn } = register(number, key.publicKey);
  return (await ra.countersign(await createCertificationRequest(key), upn)).der;
}

async function issueUntilRefused(
  site: CaSite,
): Promise<{ readonly received: readonly Certificate[]; readonly error: CountersignError }> {
  const received: Certificate[] = [];
  for (let number = 1; ; number++) {
    const result = await site.ca.issue(await requestFor(site, number)).catch((error: unknown) => error);
    if (!(result instanceof Certificate)) {
      return { received, error: await refusal(Promise.reject(result), 'LEDGER_UNAVAILABLE') };
    }
    received.push(result);
  }
}

/** Appends audit records, in the end small ones, until not one more has room. @returns how many there are */
async function fill(ledger: Ledger): Promise<number> {
  for (const length of [10_000, 1000, 100, 1]) {
    const event = { at: new Date(0), event: 'ballast', details: { text: 'x'.repeat(length) } };
    for (;;) {
      const failure: unknown = await ledger.appendAudit(event).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) continue;
      await refusal(Promise.reject(failure), 'LEDGER_UNAVAILABLE');
      break;
    }
  }
  return (await auditOf(ledger)).length;
}

async function auditOf(ledger: Ledger): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for await (const record of ledger.readAudit()) records.push(record);
  return records;
}
