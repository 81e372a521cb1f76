import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import {
  caIssue,
  countersignFor,
  enrollmentSite,
  expectCleanRefusal,
  raCountersign,
  type Site,
} from './enrollment-site.ts';
import { openssl } from './openssl.ts';

let site: Site;
beforeAll(async () => {
  site = await enrollmentSite();
  await countersignFor(site, 'alice.pem', 'alice.cms');
});
afterAll(async () => site.remove());

describe('an output that cannot be written is found out before anything is issued', () => {
  test.each([
    ['in a directory that is missing', 'nowhere/out'],
    ['below a file', 'alice.pem/out'],
    ['where a directory is', 'dir'],
    ['where a device is', 'device'],
  ])('%s', async (_name, out) => {
    await symlink('/dev/null', join(site.path, 'device')).catch(() => undefined);
    await expectCleanRefusal(site, 'FILE_UNWRITABLE', caIssue('alice.cms', out));
    await expectCleanRefusal(site, 'FILE_UNWRITABLE', raCountersign('alice.pem', out));
    expect((await stat(join(site.path, 'device'))).isCharacterDevice()).toBe(true);
  });

  test('new authorities and demonstrations that have no place to be', async () => {
    const init = ['ca', 'init', '--directory', 'dir', '--dir'];
    await expectCleanRefusal(site, 'STATE_EXISTS', [...init, 'ca']);
    await expectCleanRefusal(site, 'STATE_EXISTS', [...init, 'alice.pem']);
    await expectCleanRefusal(site, 'FILE_UNWRITABLE', ['demo', '--out', 'alice.pem']);
    await expectCleanRefusal(site, 'FILE_UNWRITABLE', ['demo', '--out', 'alice.pem/out']);
  });

  test('without permission, for anybody but root', async (context) => {
    if (process.getuid?.() === 0) context.skip('root may write everywhere');
    const closed = join(site.path, 'closed');
    await mkdir(closed, { mode: 0o500 });
    await expectCleanRefusal(site, 'FILE_UNWRITABLE', caIssue('alice.cms', 'closed/out'));
    await expectCleanRefusal(site, 'FILE_UNWRITABLE', ['demo', '--out', 'closed/out']);
    await chmod(closed, 0o700);
  });

  test('on a file system that is read-only', async (context) => {
    await withTmpfs(context, 'size=1m,ro', async () => {
      await expectCleanRefusal(site, 'FILE_UNWRITABLE', caIssue('alice.cms', 'mounted/out'));
      const init = ['ca', 'init', '--directory', 'dir', '--dir', 'mounted/ca'];
      await expectCleanRefusal(site, 'FILE_UNWRITABLE', init);
      await expectCleanRefusal(site, 'FILE_UNWRITABLE', ['demo', '--out', 'mounted/out']);
    });
  });
});

describe('a full disk', () => {
  test('issues nothing, and the same request succeeds once there is room', async (context) => {
    await withTmpfs(context, 'size=64k', async (mounted) => {
      await writeFile(join(mounted, 'ballast'), Buffer.alloc(64 * 1024));
      await expectCleanRefusal(site, 'FILE_UNWRITABLE', caIssue('alice.cms', 'mounted/out.pem'));
      await expectCleanRefusal(site, 'FILE_UNWRITABLE', raCountersign('alice.pem', 'mounted/out.cms'));
      await rm(join(mounted, 'ballast'));
      await site.runJson(caIssue('alice.cms', 'mounted/out.pem'));
      await openssl(['verify', '-CAfile', 'ca/ca.pem', 'mounted/out.pem'], site.path);
    });
  });

  test('leaves no half-made CA', async (context) => {
    await withTmpfs(context, 'size=32k', async () => {
      await expectCleanRefusal(site, 'LEDGER_UNAVAILABLE', [
        'ca',
        'init',
        '--directory',
        'dir',
        '--dir',
        'mounted/deep/ca',
      ]);
    });
  });

  test('leaves an earlier demonstration as it was', async (context) => {
    await withTmpfs(context, 'size=2m', async (mounted) => {
      await site.runJson(['demo', '--out', 'mounted/out']);
      const before = await contentsOf(join(mounted, 'out'));
      await fill(join(mounted, 'ballast'));
      const { code } = await site.refusal(['demo', '--out', 'mounted/out']);
      expect(['FILE_UNWRITABLE', 'LEDGER_UNAVAILABLE']).toContain(code);
      expect(await contentsOf(join(mounted, 'out'))).toEqual(before);
    });
  });
});

async function withTmpfs(
  context: TestContext,
  options: string,
  work: (mounted: string) => Promise<void>,
): Promise<void> {
  const mounted = join(site.path, 'mounted');
  await mkdir(mounted, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `${options},mode=0700`, 'tmpfs', mounted], {
      stdio: 'ignore',
    });
  } catch {
    context.skip('mounting a small tmpfs takes root on Linux');
  }
  try {
    await work(mounted);
  } finally {
    execFileSync('umount', [mounted]);
  }
}

/** Takes all the room that there is. */
async function fill(path: string): Promise<void> {
  for (const size of [1 << 20, 1 << 16, 1 << 12]) {
    try {
      for (;;) await writeFile(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // No room for a piece of this size; a smaller one may fit.
    }
  }
}

async function contentsOf(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const contents = files.map(async (file) => [file, await readFile(file, 'latin1')] as const);
  return Object.fromEntries(await Promise.all(contents));
}
