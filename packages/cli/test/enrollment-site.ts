import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPinProtected, verifyAuditChain } from '@countersign/core';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import { createMemoryProvider } from '@countersign/provider-memory';
import { expect } from 'vitest';
import {
  countersign,
  countersignJson,
  refusalOf,
  type Json,
  type Outcome,
  type Refusal,
} from './run-countersign.ts';
import { requestByOpenssl } from './openssl.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** What one installation has: a directory of users (`dir`), a CA (`ca`) and an RA (`ra`), side by side in `path`. */
export interface Site {
  readonly path: string;
  /** Runs the command in `path`, with a state directory of the site's own. */
  readonly run: (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Outcome>;
  readonly runJson: (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Json>;
  readonly refusal: (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Refusal>;
  readonly remove: () => Promise<void>;
}

export const alice = {
  upn: 'alice@contoso.test',
  sid: 'S-1-5-21-1004336348-1177238915-682003330-1104',
  dn: 'CN=Alice Example,OU=Users,DC=contoso,DC=test',
  account: String.raw`CONTOSO\alice`,
};

/** A place to run the command in, with nothing in it. */
export async function emptySite(name = 'site'): Promise<Site> {
  const { path: parent, remove } = await temporaryDirectory();
  const path = join(parent, name);
  await mkdir(path, { mode: 0o700 });
  const options = (env: Readonly<Record<string, string>> = {}) => ({
    cwd: path,
    env: { XDG_STATE_HOME: join(path, 'state'), ...env },
  });
  return {
    path,
    run: async (args, env) => countersign(args, options(env)),
    runJson: async (args, env) => countersignJson(args, options(env)),
    refusal: async (args, env) => refusalOf(args, options(env)),
    remove,
  };
}

/** A site with a directory that knows Alice, a CA and an RA, and her request (`alice.pem`), whose key is registered. */
export async function enrollmentSite(
  options: { readonly name?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Site> {
  const site = await emptySite(options.name);
  try {
    await addUser(site, alice);
    await site.runJson(['ca', 'init', '--dir', 'ca', '--directory', 'dir'], options.env);
    await sealCheaply(site, 'ca', options.env);
    await site.runJson(['ra', 'init', '--dir', 'ra', '--ca', 'ca'], options.env);
    await sealCheaply(site, 'ra', options.env);
    await requestByOpenssl(site.path, 'alice');
    await site.runJson(['directory', 'add', '--dir', 'dir', '--upn', alice.upn, '--key', 'alice.pem']);
    return site;
  } catch (error) {
    await site.remove();
    throw error;
  }
}

/**
 * Seals the key of a CA or an RA again, under the same PIN at a fraction of the cost: unlocking takes a third of a second
 * each time otherwise, which is as long as everything else that a command does.
 */
export async function sealCheaply(
  site: Site,
  authority: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const directory = join(site.path, authority);
  const pin = Buffer.from(env['COUNTERSIGN_PIN'] ?? (await readFile(join(directory, 'service.pin'))));
  const sealing = { scryptCost: { N: 1024, r: 8, p: 1 } };
  const provider = await createMemoryProvider({ storeDirectory: join(directory, 'keys'), sealing });
  const key = await provider.open('memory:');
  if (!isPinProtected(key)) throw new Error(`the key of ${authority} has no PIN`);
  await key.changePin(pin, pin);
  await provider.close();
}

export async function addUser(site: Site, user: typeof alice): Promise<void> {
  const { upn, sid, dn, account } = user;
  const fields = ['--upn', upn, '--sid', sid, '--dn', dn, '--account', account];
  await site.runJson(['directory', 'add', '--dir', 'dir', ...fields]);
}

/** Countersigns for Alice. ECDSA signs differently each time, so the CA takes each outcome for a request of its own. */
export async function countersignFor(site: Site, request: string, out: string): Promise<void> {
  await site.runJson(raCountersign(request, out));
}

export function raCountersign(request: string, out: string, requester: string = alice.upn): string[] {
  return ['ra', 'countersign', '--dir', 'ra', '--request', request, '--requester', requester, '--out', out];
}

export function caIssue(request: string, out: string): string[] {
  return ['ca', 'issue', '--dir', 'ca', '--request', request, '--out', out];
}

/** The events of the CA's audit trail, in order; fails unless the trail is whole. */
export async function auditEvents(site: Site, ca = 'ca'): Promise<string[]> {
  const ledger = await openSqliteLedger(join(site.path, ca, 'ledger.sqlite'), { ifMissing: 'refuse' });
  try {
    await verifyAuditChain(ledger.readAudit());
    const events: string[] = [];
    for await (const { event } of ledger.readAudit()) events.push(event);
    return events;
  } finally {
    await ledger.close();
  }
}

export async function issuedCount(site: Site): Promise<number> {
  return (await auditEvents(site)).filter((event) => event === 'certificate-issued').length;
}

/**
 * Expects a refusal that issued nothing and left no file behind, be it an output or a temporary one, and an audit trail
 * that is still whole.
 */
export async function expectCleanRefusal(
  site: Site,
  code: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<Refusal> {
  const before = { files: await filesOf(site), issued: await issuedCount(site) };
  const refusal = await site.refusal(args, env);
  expect(refusal.code, refusal.message).toBe(code);
  expect({ files: await filesOf(site), issued: await issuedCount(site) }).toEqual(before);
  return refusal;
}

/** Everything below the site. SQLite's own -wal and -shm come and go with its connections. */
export async function filesOf(site: Site): Promise<string[]> {
  const names = await readdir(site.path, { recursive: true });
  return names.filter((name) => !/ledger\.sqlite-(?:wal|shm)$/.test(name)).toSorted();
}
