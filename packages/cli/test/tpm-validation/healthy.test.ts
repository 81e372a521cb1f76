import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { countersign } from '../run-countersign.ts';
import { atTerminal } from '../terminal-session.ts';
import { startTrialTpm, stateOf } from './trial-tpm.ts';
import { briefly, objectsIn, validate } from './validate.ts';

test('a healthy TPM is fit: every check passes, and it is left as it was found', async () => {
  const tpm = await startTrialTpm();
  const before = await stateOf(tpm);
  const everything = ['--allow-lockout', '--allow-restart', '--endorsement-roots', tpm.endorsementRoots];
  const { status, verdict, report, checks } = await validate(tpm.uri, [
    ...everything,
    '--keys',
    '6',
    '--signatures',
    '10',
  ]);
  expect(checks.filter(({ outcome }) => outcome !== 'pass')).toEqual([]);
  expect({ verdict, status }).toEqual({ verdict: 'fit', status: 0 });
  expect(report).toMatchObject({
    tpm: tpm.uri.replaceAll('/', '%2F'),
    identity: { manufacturer: 'IBM', vendorString: 'SWTPM', family: '2.0' },
    interrupted: false,
    notRun: [],
    publishedLatency: { vendor: 'swtpm (software)' },
  });
  const samples = objectsIn(report['latency']).map(({ operation, samplesMs, medianMs, p95Ms, p99Ms }) => {
    expect(Number(medianMs)).toBeGreaterThan(0);
    expect(Number(p95Ms)).toBeGreaterThanOrEqual(Number(medianMs));
    expect(Number(p99Ms)).toBeGreaterThanOrEqual(Number(p95Ms));
    return [operation, Array.isArray(samplesMs) ? samplesMs.length : 0];
  });
  expect(samples).toEqual([
    ['round-trip', 10],
    ['p256-create', 6],
    ['p256-sign', 10],
    ['rsa2048-create', 6],
    ['rsa2048-sign', 10],
  ]);
  expect(await stateOf(tpm)).toBe(before);
});

test('what changes the TPM is not done unless it is allowed, which is no reason against it', async () => {
  const tpm = await startTrialTpm();
  const before = await stateOf(tpm);
  const clock = await tpm.tool('readclock');
  const { verdict, checks } = await validate(tpm.uri, briefly);
  expect(verdict).toBe('fit');
  expect(checks.filter(({ outcome }) => outcome === 'skipped').map(({ id }) => id)).toEqual([
    'endorsement.chain',
    'lockout.pin',
    'persistence.restart',
  ]);
  expect(await stateOf(tpm)).toBe(before);
  expect(resetCountIn(await tpm.tool('readclock'))).toBe(resetCountIn(clock));
});

test('people read a table, and the verdict after it', async () => {
  const tpm = await startTrialTpm();
  const { status, stdout, stderr } = await countersign(['tpm', 'validate', '--tpm', tpm.uri, ...briefly]);
  expect(status).toBe(0);
  expect(stderr).toBe('');
  expect(stdout).toContain('IBM (IBM), SWTPM, firmware');
  expect(stdout).toMatch(/^pass +signatures\.rsa-pss-sha256 +node:crypto verifies it/m);
  expect(stdout).toMatch(/^RSA 2048, signing( +[\d.]+){3} +3 +3\.15$/m);
  expect(stdout).toMatch(/^The TPM is fit\.$/m);
});

test.skipIf(!hasPseudoTerminal())('at a terminal it says how far it is', async () => {
  const tpm = await startTrialTpm();
  const session = atTerminal(tpm.directory, ['tpm', 'validate', '--tpm', tpm.uri, ...briefly]);
  await session.shows('RSA 2048 keys sign fast enough: 2 of 3');
  expect(await session.ended).toBe(0);
  // The line is gone before the table begins.
  expect(session.transcript()).toContain('\r\u001b[2Ktpm:swtpm-unix=');
});

/** `script` of util-linux, which may be absent. */
function hasPseudoTerminal(): boolean {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux');
  } catch {
    return false;
  }
}

function resetCountIn(clock: string): string | undefined {
  return /reset_count: (\d+)/.exec(clock)?.[1];
}
