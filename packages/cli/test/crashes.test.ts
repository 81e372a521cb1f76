import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Certificate, decodePemOrDer } from '@countersign/core';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  auditEvents,
  caIssue,
  countersignFor,
  enrollmentSite,
  issuedCount,
  type Site,
} from './enrollment-site.ts';
import { openssl } from './openssl.ts';
import { outcomeOf, parseJson, startCountersign } from './run-countersign.ts';

/** How many processes are killed; a longer run sets COUNTERSIGN_KILLS. */
const kills = Number(process.env['COUNTERSIGN_KILLS'] ?? 8);

let site: Site;
beforeAll(async () => {
  site = await enrollmentSite();
});
afterAll(async () => site.remove());

describe('killed at any moment', () => {
  test('ca issue leaves a CA that goes on, and no certificate outside its ledger', async () => {
    // Made beforehand; each attempt has one of its own, because the CA answers no request twice.
    await Promise.all([0, 1].map(async (lane) => countersignLane(lane)));
    for (let turn = 0; turn < kills; turn++) {
      const [request, out] = [`kill-${turn}.cms`, `kill-${turn}.pem`];
      // The command takes its time to start and to unlock the key; what it does then is over in a moment.
      await killAfter(caIssue(request, out), turn % 4 === 3 ? Math.random() * 600 : whileLedgerIsOpen);
      await auditEvents(site);
      if (existsSync(join(site.path, out))) await expectRecorded(out);
    }
    expect(await site.runJson(['ca', 'audit', 'verify', '--dir', 'ca'])).toMatchObject({ whole: true });

    // Whoever was cut off has the request countersigned again, and gets a certificate.
    await countersignFor(site, 'alice.pem', 'retry.cms');
    await site.runJson(caIssue('retry.cms', 'retry.pem'));
    await openssl(['verify', '-CAfile', 'ca/ca.pem', 'retry.pem'], site.path);
    await expectRecorded('retry.pem');
  });

  test('ca init leaves a whole CA or none, and can be run again', async () => {
    const init = ['ca', 'init', '--dir', 'killed-ca', '--directory', 'dir'];
    for (let turn = 0; turn < Math.ceil(kills / 2); turn++) {
      await killAfter(init, 300 + Math.random() * 600);
      const isThere = existsSync(join(site.path, 'killed-ca'));
      if (!isThere) continue;
      // What stands under the name is complete: it can sign.
      await site.runJson(['ca', 'crl', '--dir', 'killed-ca', '--out', 'killed.crl']);
      await rm(join(site.path, 'killed-ca'), { recursive: true });
    }
    // What a killed run left is cleared by the next, once nobody can be at work on it any more.
    const [abandoned, young] = ['.killed-ca.new-0123456789ab', '.killed-ca.new-ba9876543210'];
    for (const name of [abandoned, young]) await mkdir(join(site.path, name, 'keys'), { recursive: true });
    await utimes(join(site.path, abandoned), new Date(0), new Date(0));
    await site.runJson(init);
    await site.runJson(['ca', 'audit', 'verify', '--dir', 'killed-ca']);
    expect(existsSync(join(site.path, abandoned))).toBe(false);
    expect(existsSync(join(site.path, young))).toBe(true);
  });
});

describe('at once', () => {
  test('two runs of ca issue for two requests both succeed', async () => {
    await Promise.all(['one', 'two'].map(async (name) => countersignFor(site, 'alice.pem', `${name}.cms`)));
    const issued = await issuedCount(site);
    await Promise.all(
      ['one', 'two'].map(async (name) => site.runJson(caIssue(`${name}.cms`, `${name}.pem`))),
    );
    expect(await issuedCount(site)).toBe(issued + 2);
    await expectRecorded('one.pem');
    await expectRecorded('two.pem');
  });

  test('of two runs of ca issue for the same request, one succeeds and the other is refused', async () => {
    await countersignFor(site, 'alice.pem', 'same.cms');
    const issued = await issuedCount(site);
    const outcomes = await Promise.all(
      ['a', 'b'].map(async (name) => site.run([...caIssue('same.cms', `same-${name}.pem`), '--json'])),
    );
    expect(outcomes.filter(({ status }) => status === 0)).toHaveLength(1);
    const refused = outcomes.find(({ status }) => status === 1);
    expect(parseJson(refused?.stdout ?? '')).toMatchObject({ error: { code: 'REQUEST_REPLAYED' } });
    expect((await readdir(site.path)).filter((name) => name.startsWith('same-'))).toHaveLength(1);
    expect(await issuedCount(site)).toBe(issued + 1);
  });

  test('many users can be added by many processes', async () => {
    const names = ['erin', 'frank', 'grace', 'heidi'];
    const add = async (name: string, index: number): Promise<void> => {
      const user = ['--upn', `${name}@contoso.test`, '--sid', `S-1-5-21-1-2-3-${2000 + index}`];
      const rest = ['--dn', `CN=${name},DC=contoso,DC=test`, '--account', `CONTOSO\\${name}`];
      await site.runJson(['directory', 'add', '--dir', 'dir', ...user, ...rest]);
    };
    await Promise.all(names.map(add));
    const { users } = await site.runJson(['directory', 'show', '--dir', 'dir']);
    expect(users).toHaveLength(names.length + 1);
  });
});

test('a ledger edited behind the CA’s back is found out', async () => {
  const path = join(site.path, 'ca', 'ledger.sqlite');
  const ledger = await readFile(path);
  // A record of the audit trail that says something else, as long as it was: no page of the database looks damaged.
  const at = ledger.indexOf('certificate-issued');
  expect(at).toBeGreaterThan(0);
  for (let next = at; next >= 0; next = ledger.indexOf('certificate-issued', next)) {
    ledger.write('certificate-ignore', next);
  }
  await writeFile(path, ledger);
  const refusal = await site.refusal(['ca', 'audit', 'verify', '--dir', 'ca']);
  expect(refusal.code).toBe('AUDIT_CHAIN_BROKEN');
});

/** Kills the command after a while, or as soon as something has been seen. */
async function killAfter(args: readonly string[], when: number | (() => Promise<void>)): Promise<void> {
  const child = startCountersign(args, {
    cwd: site.path,
    env: { XDG_STATE_HOME: join(site.path, 'state') },
  });
  const ended = outcomeOf(child);
  await Promise.race([typeof when === 'number' ? sleep(when) : when(), ended]);
  child.kill('SIGKILL');
  await ended;
}

/** SQLite's log is there from the moment in which the CA opens its ledger to the one in which it closes it. */
async function whileLedgerIsOpen(): Promise<void> {
  while (!existsSync(join(site.path, 'ca', 'ledger.sqlite-wal'))) await sleep(1);
  await sleep(Math.random() * 25);
}

/** That the CA's ledger has this very certificate. */
async function expectRecorded(file: string): Promise<void> {
  const bytes = decodePemOrDer(await readFile(join(site.path, file)), ['CERTIFICATE']);
  const { serialNumber } = Certificate.parse(bytes);
  const ledger = await openSqliteLedger(join(site.path, 'ca', 'ledger.sqlite'), { ifMissing: 'refuse' });
  try {
    const recorded = (await ledger.find(serialNumber))?.certificate;
    expect(recorded === undefined ? undefined : Buffer.compare(recorded, bytes)).toBe(0);
  } finally {
    await ledger.close();
  }
}

async function countersignLane(lane: number): Promise<void> {
  for (let turn = lane; turn < kills; turn += 2) await countersignFor(site, 'alice.pem', `kill-${turn}.cms`);
}
