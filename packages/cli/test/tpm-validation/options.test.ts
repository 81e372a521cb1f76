import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTpmInspection } from '@countersign/provider-tpm';
import { expect, test } from 'vitest';
import { outcomeOf, parseJson, startCountersign } from '../run-countersign.ts';
import { startProxy } from './proxy.ts';
import { startTrialTpm, stateOf, type TrialTpm } from './trial-tpm.ts';
import { briefly, validate } from './validate.ts';

test('a run that is interrupted reports what was done, and leaves nothing behind', async () => {
  const tpm = await startTrialTpm();
  const before = await stateOf(tpm);
  const farIntoSignatures = Promise.withResolvers<void>();
  const uri = await startProxy(tpm, {
    alter: (response, _, position) => {
      if (position === 1000) farIntoSignatures.resolve();
      return response;
    },
  });
  const child = startCountersign(['tpm', 'validate', '--tpm', uri, '--signatures', '100000', '--json']);
  const ended = outcomeOf(child);
  await farIntoSignatures.promise;
  child.kill('SIGINT');
  const { status, stdout } = await ended;
  expect(status).toBe(1);
  const report = parseJson(stdout);
  expect(report).toMatchObject({ interrupted: true, verdict: { kind: 'undecided' } });
  expect(report['notRun']).toContain('keys.weak-rsa2048');
  expect(stdout).toContain('"id": "signatures.rsa-pss-sha256"');
  expect(report['checks']).toContainEqual(expect.objectContaining({ id: 'traces.none', outcome: 'pass' }));
  expect(await stateOf(tpm)).toBe(before);
});

test('a key is kept, and tried after the next restart of the machine', async () => {
  const tpm = await startTrialTpm();
  const keyFile = join(tpm.directory, 'trial-key.json');
  const options = [...briefly, '--key-file', keyFile];
  const persistence = async () => (await validate(tpm.uri, options)).check('persistence.restart');
  expect(await persistence()).toMatchObject({
    outcome: 'skipped',
    found: 'a key was kept for a run after the next restart of the machine',
  });
  expect(await readFile(keyFile, 'utf8')).toContain('BEGIN TSS2 PRIVATE KEY');
  expect((await persistence()).found).toBe('the TPM was not restarted since the key was made');
  await restart(tpm);
  expect(await persistence()).toMatchObject({
    outcome: 'pass',
    found: 'it signs after a restart of the machine',
  });
  // Which also sets the count of restarts to zero.
  await tpm.tool('clear -c p');
  expect((await persistence()).found).toContain('the TPM was cleared since');
  for (let restarts = 0; restarts < 10; restarts += 1) await restart(tpm);
  const lost = await persistence();
  expect(lost).toMatchObject({ outcome: 'fail' });
  expect(lost.meaning).toContain('No user can sign in after a restart');
});

test('where the reset of the count is guarded, the lockout is tried with its authorization only', async () => {
  const tpm = await startTrialTpm();
  await tpm.tool('changeauth -c lockout 7391554826');
  const before = await stateOf(tpm);
  const options = [...briefly, '--allow-lockout'];
  const without = (await validate(tpm.uri, options)).check('lockout.pin');
  expect(without).toMatchObject({ outcome: 'skipped' });
  expect(without.found).toContain('its authorization was not given');
  const file = join(tpm.directory, 'lockout-auth');
  await writeFile(file, '7391554826\n', { mode: 0o600 });
  const { check } = await validate(tpm.uri, [...options, '--lockout-auth-file', file]);
  expect(check('lockout.pin')).toMatchObject({ outcome: 'pass' });
  expect(check('lockout.recovery').found).toContain('the reset of the count is guarded, and');
  expect(await stateOf(tpm)).toBe(before);
});

test('where the owner hierarchy is guarded, keys are tried in one that leaves nothing', async () => {
  const tpm = await startTrialTpm();
  await tpm.tool('changeauth -c owner 7391554826');
  const before = await stateOf(tpm);
  const { verdict, check } = await validate(tpm.uri, [...briefly, '--allow-restart']);
  expect(verdict).toBe('fit');
  expect(check('persistence.restart').found).toContain('the owner hierarchy is guarded');
  expect(await stateOf(tpm)).toBe(before);
});

test('where the endorsement hierarchy is guarded, it is fit with a warning: it cannot be attested from here', async () => {
  const tpm = await startTrialTpm();
  await tpm.tool('changeauth -c endorsement 7391554826');
  const { verdict, check } = await validate(tpm.uri, briefly);
  expect(verdict).toBe('fit-with-warnings');
  expect(check('attestation.end-to-end')).toMatchObject({ outcome: 'warning' });
  expect(check('link.authentic')).toMatchObject({ outcome: 'pass' });
});

/** As the machine would. */
async function restart({ uri }: TrialTpm): Promise<void> {
  const inspection = createTpmInspection({ uri });
  await inspection.open();
  await inspection.restart?.();
  await inspection.close();
}
