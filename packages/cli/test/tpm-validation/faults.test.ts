import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTpmInspection } from '@countersign/provider-tpm';
import { expect, test } from 'vitest';
import { countersign } from '../run-countersign.ts';
import {
  certificateIndices,
  replaceCertificate,
  startTrialTpm,
  stateOf,
  type TrialTpm,
} from './trial-tpm.ts';
import { briefly, validate } from './validate.ts';

test('without certificates of endorsement keys it is fit with a warning: it cannot be attested', async () => {
  const tpm = await startTrialTpm();
  for (const index of certificateIndices) await tpm.tool(`nvundefine ${index} -C p`);
  const { verdict, status, reasons, check } = await validate(tpm.uri, briefly);
  expect({ verdict, status, reasons }).toEqual({
    verdict: 'fit-with-warnings',
    status: 0,
    reasons: ['endorsement.certificates'],
  });
  expect(check('endorsement.certificates')).toMatchObject({ outcome: 'warning', found: 'none' });
  expect(check('endorsement.certificates').meaning).toContain('a CA that requires attestation refuses them');
  expect(check('endorsement.match').outcome).toBe('skipped');
  expect(check('attestation.end-to-end')).toMatchObject({ outcome: 'pass' });
  expect(check('attestation.end-to-end').meaning).toContain('no manufacturer vouches');
});

test('with the certificate of another TPM it is unfit: it would be taken for that one', async () => {
  const [tpm, other] = [await startTrialTpm(), await startTrialTpm()];
  await replaceCertificate(tpm, '0x01c00002', await certificateIn(other, '0x01c00002'));
  const before = await stateOf(tpm);
  const roots = ['--endorsement-roots', other.endorsementRoots];
  const { verdict, status, reasons, check } = await validate(tpm.uri, [...briefly, ...roots]);
  expect({ verdict, status, reasons }).toEqual({
    verdict: 'unfit',
    status: 1,
    reasons: ['endorsement.match'],
  });
  expect(check('endorsement.match').found).toMatch(/^in slot L-1, the certificate .* is for the key/);
  expect(check('endorsement.match').meaning).toContain('belongs to another TPM');
  expect(check('endorsement.chain').outcome).toBe('skipped');
  expect(await stateOf(tpm)).toBe(before);
});

test('of a manufacturer that is not among the roots it is fit with a warning', async () => {
  const [tpm, other] = [await startTrialTpm(), await startTrialTpm()];
  const roots = ['--endorsement-roots', other.endorsementRoots];
  const { verdict, reasons, check } = await validate(tpm.uri, [...briefly, ...roots]);
  expect({ verdict, reasons }).toEqual({ verdict: 'fit-with-warnings', reasons: ['endorsement.chain'] });
  expect(check('endorsement.chain').meaning).toContain('Who trusts these roots refuses');
});

test('with a lockout after three failures it is fit with a warning: users lock themselves out', async () => {
  const tpm = await startTrialTpm({ maxTries: 3, recoverySeconds: 600 });
  const { verdict, status, reasons, check } = await validate(tpm.uri, [...briefly, '--allow-lockout']);
  expect({ verdict, status, reasons }).toEqual({
    verdict: 'fit-with-warnings',
    status: 0,
    reasons: ['lockout.tries'],
  });
  expect(check('lockout.tries').found).toBe('3 wrong PINs');
  expect(check('lockout.tries').meaning).toContain('Users will lock themselves out');
  expect(check('lockout.pin')).toMatchObject({ outcome: 'pass' });
});

test('in lockout it is unfit: no PIN is taken, and the count stays as it is', async () => {
  const tpm = await startTrialTpm({ maxTries: 3, recoverySeconds: 600 });
  await lock(tpm);
  const before = await stateOf(tpm);
  const { verdict, status, reasons, check } = await validate(tpm.uri, [...briefly, '--allow-lockout']);
  expect({ verdict, status }).toEqual({ verdict: 'unfit', status: 1 });
  expect(reasons).toEqual(['lockout.state', 'keys.pin', 'lockout.tries']);
  expect(check('lockout.state').found).toBe('locked: 3 of 3 wrong PINs counted');
  expect(check('lockout.state').meaning).toContain('not even with the right PIN');
  expect(check('keys.pin').found).toBe('the TPM is locked, and takes no PIN');
  expect(check('lockout.pin').outcome).toBe('skipped');
  expect(await stateOf(tpm)).toBe(before);
});

test('where guessing is not limited it is unfit: a PIN protects nothing', async () => {
  const tpm = await startTrialTpm({ maxTries: 32, recoverySeconds: 0 });
  const { verdict, reasons, check } = await validate(tpm.uri, briefly);
  expect({ verdict, reasons }).toEqual({ verdict: 'unfit', reasons: ['lockout.recovery'] });
  expect(check('lockout.recovery').meaning).toContain('guess PINs without end');
});

test('where there is no TPM there is no report, but an error', async () => {
  const { status, stdout, stderr } = await countersign(['tpm', 'validate', '--tpm', 'tpm:swtpm=127.0.0.1:1']);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain('countersign: TPM_UNREACHABLE:');
});

test('options that are none are wrong usage', async () => {
  for (const options of [
    ['--keys', '1'],
    ['--random', 'many'],
    ['--signatures', '-1'],
    ['--tpn', 'tpm:'],
  ]) {
    expect((await countersign(['tpm', 'validate', ...options])).status).toBe(2);
  }
});

async function certificateIn(tpm: TrialTpm, index: string): Promise<Uint8Array> {
  await tpm.tool(`nvread ${index} -C o -o certificate.der`);
  return readFile(join(tpm.directory, 'certificate.der'));
}

/** As users do: with wrong PINs. */
async function lock({ uri }: TrialTpm): Promise<void> {
  const inspection = createTpmInspection({ uri });
  await inspection.open();
  try {
    const key = await inspection.createKey({ algorithm: 'p256', pin: Buffer.from('482913') });
    for (let tries = 0; tries < 3; tries += 1) {
      expect(await inspection.tryPin(key, Buffer.from('739155'))).toBe('refused');
    }
  } finally {
    await inspection.close();
  }
}
