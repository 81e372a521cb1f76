import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { startSwtpm } from './start-swtpm.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const door = join(root, 'packages/provider-tpm/dist/structures/tss.js');

/** Tests need no build; this one is about it. */
async function build(): Promise<void> {
  const built = await readFile(door, 'utf8').catch(() => '');
  if (!built.startsWith('// Contains parts of tss.js')) await run('npm', ['run', 'build'], { cwd: root });
}

test('the packed package runs beside core and state alone, without tss.js', async () => {
  await build();
  const folder = await mkdtemp(join(tmpdir(), 'countersign-packed-'));
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  for (const name of ['core', 'state', 'provider-tpm']) {
    const home = join(folder, 'node_modules/@countersign', name);
    await mkdir(home, { recursive: true });
    await run('npm', ['pack', '--silent', '--pack-destination', home], {
      cwd: join(root, 'packages', name),
    });
    const [archive] = await readdir(home);
    if (archive === undefined) throw new Error(`${name} was not packed`);
    await run('tar', ['-xzf', archive, '--strip-components=1'], { cwd: home });
  }
  const swtpm = await startSwtpm();
  onTestFinished(async () => swtpm.stop());
  const program = `
    import { getCurves, getRandom, openTransport, TpmCommandQueue } from '@countersign/provider-tpm';
    const queue = new TpmCommandQueue(await openTransport(process.argv[1]));
    console.log(JSON.stringify([(await getRandom(queue, 40)).length, (await getCurves(queue)).includes(3)]));
    await queue.close();`;
  const { stdout, stderr } = await run(
    process.execPath,
    ['--pending-deprecation', '--input-type=module', '-e', program, swtpm.uri],
    { cwd: folder, env: { PATH: process.env['PATH'] } },
  );
  expect(JSON.parse(stdout)).toEqual([40, true]);
  expect(stderr).toBe('');
  const notice = join(folder, 'node_modules/@countersign/provider-tpm/dist/structures/tss.LICENSE.txt');
  expect(await readFile(notice, 'utf8')).toContain('Microsoft');
});
