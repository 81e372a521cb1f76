import { afterAll, beforeAll, expect, test } from 'vitest';
import { organization, type Organization } from './organization.ts';

let at: Organization;
beforeAll(async () => {
  at = await organization(['--no-receipts', '--sync-minutes', '45']);
});
afterAll(async () => at.remove());

test('without key receipts enrollment waits for the sync, and says when it tries again', async () => {
  const { upn } = await at.newUser();
  const settings = await at.settings(upn);
  await at.runJson(['site', 'join', '--dir', 'site', '--config', settings]);
  // The services sync when they start, if a run is due; this one puts the next 45 minutes off.
  await at.runJson(['site', 'sync', '--dir', 'site']);
  const code = await at.code(upn);
  const run = ['provision', '--config', settings, '--pin-file', 'pin', '--no-wait', '--code-file'];
  const first = await at.runJson([...run, code]);
  expect(first).toMatchObject({ kind: 'waiting', attempts: 1 });

  const status = await at.runJson(['site', 'sync', '--dir', 'site', '--status']);
  expect(minutesBetween(status)).toBe(45);
  expect(await at.runJson(['site', 'sync', '--dir', 'site'])).toMatchObject({
    lastRun: { added: 1, refused: 0 },
  });
  expect(await at.runJson(['site', 'sync', '--dir', 'site'])).toMatchObject({ lastRun: { added: 0 } });

  const second = await at.runJson([...run, await at.code(upn)]);
  expect(second).toMatchObject({ kind: 'complete' });
  // The same key, registered before.
  expect(JSON.stringify(second['steps'])).not.toContain('"key"');
});

test('a person is told the next attempt', async () => {
  const { upn } = await at.newUser();
  const settings = await at.settings(upn);
  await at.runJson(['site', 'join', '--dir', 'site', '--config', settings]);
  await at.runJson(['site', 'sync', '--dir', 'site']);
  const run = [
    'provision',
    '--config',
    settings,
    '--pin-file',
    'pin',
    '--no-wait',
    '--code-file',
    await at.code(upn),
  ];
  const { status, stdout } = await at.run(run);
  expect(status).toBe(0);
  expect(stdout).toContain('has not been synced yet (attempts: 1)');
});

function minutesBetween(status: Readonly<Record<string, unknown>>): number {
  const { lastRun, nextRunAt } = status;
  const endedAt =
    typeof lastRun === 'object' && lastRun !== null && 'endedAt' in lastRun ? lastRun.endedAt : undefined;
  return (Date.parse(String(nextRunAt)) - Date.parse(String(endedAt))) / 60_000;
}
