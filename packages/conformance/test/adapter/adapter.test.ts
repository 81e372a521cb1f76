import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conformanceCaseList } from '@countersign/conformance';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';

test('the adapter makes a test of each case, with what was expected and found where one fails', async () => {
  const reportFile = join(await temporaryFolder(), 'report.json');
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const config = fileURLToPath(new URL('vitest.config.ts', import.meta.url));
  const options = ['run', '--config', config, '--reporter=json', `--outputFile=${reportFile}`];
  const exitCode = await new Promise((resolve) => {
    execFile(process.execPath, [vitest, ...options], (error) => resolve(error?.code ?? 0));
  });
  expect(exitCode).toBe(1);
  const report: unknown = JSON.parse(await readFile(reportFile, 'utf8'));
  const failedNames: string[] = [];
  expect(report).toMatchObject({ numTotalTests: 2 * conformanceCaseList.length });
  const text = JSON.stringify(report);
  for (const [, name] of text.matchAll(/"status":"failed","title":"([a-z0-9.-]+):/g))
    failedNames.push(name ?? '');
  expect(failedNames).toEqual(['life.list', 'life.label', 'parallel.generate', 'input.label-nul']);
  expect(text).toContain('expected the label \\"\\"\\nfound \\"always the same\\"');
});
