import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);

// The short form of `npm run soak:pkcs11`, as that is run.
test('2,000 signatures are right while others log out, keys come and go and memory is collected', async () => {
  const program = fileURLToPath(new URL('run.ts', import.meta.url));
  const options = ['--conditions=@countersign/source', '--experimental-strip-types', '--no-warnings'];
  const { stdout } = await run(process.execPath, [...options, '--expose-gc', program], {
    env: { ...process.env, COUNTERSIGN_SIGNATURES: '2000' },
  });
  const summary: unknown = JSON.parse(stdout);
  expect(summary).toMatchObject({
    signatures: 2000,
    wrong: 0,
    logouts: 8,
    garbageCollections: 10,
    sessionsLeft: 0,
  });
});
