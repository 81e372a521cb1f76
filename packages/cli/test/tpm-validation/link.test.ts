import { expect, test } from 'vitest';
import { startProxy } from './proxy.ts';
import { startTrialTpm, stateOf } from './trial-tpm.ts';
import { briefly, validate } from './validate.ts';

test('behind a way that takes 300 ms it is fit with a warning: the way is slow, not the TPM', async () => {
  const uri = await startProxy(await startTrialTpm(), { delayMs: 300 });
  const { verdict, reasons, check } = await validate(uri, [...briefly, '--signatures', '2']);
  expect({ verdict, reasons }).toEqual({ verdict: 'fit-with-warnings', reasons: ['latency.round-trip'] });
  expect(check('latency.round-trip').found).toMatch(/^median 3\d\d ms/);
  expect(check('latency.round-trip').meaning).toContain('the way to it');
});

test('behind a way that alters answers it is unfit, and nothing altered is believed or left behind', async () => {
  const tpm = await startTrialTpm();
  const before = await stateOf(tpm);
  const uri = await startProxy(tpm, {
    alter: (response, _, position) =>
      position > 40 && position % 20 === 0 ? withBitFlipped(response) : response,
  });
  const { verdict, status, reasons, check, checks } = await validate(uri, briefly);
  expect({ verdict, status }).toEqual({ verdict: 'unfit', status: 1 });
  expect(reasons[0]).toBe('link.authentic');
  expect(check('link.authentic').found).toMatch(/answers were altered or malformed, the first during/);
  expect(check('link.authentic').meaning).toContain('changes its answers');
  // What could not be checked is not held against the TPM.
  expect(checks.filter(({ outcome }) => outcome === 'fail').map(({ id }) => id)).toEqual(['link.authentic']);
  const unread = checks.find(({ found }) => found.startsWith('an answer was altered on the way'));
  expect(unread).toMatchObject({ outcome: 'skipped' });
  expect(await stateOf(tpm)).toBe(before);
});

test('a way that lies about the TPM is found out, and the lie is not repeated', async () => {
  const tpm = await startTrialTpm();
  const uri = await startProxy(tpm, { alter: lie });
  const { verdict, status, report, reasons, check } = await validate(uri, briefly);
  expect({ verdict, status }).toEqual({ verdict: 'unfit', status: 1 });
  expect(report['identity']).toBe(null);
  expect(reasons).toEqual(['link.open', 'link.authentic']);
  expect(check('link.open').found).toContain('TPM_RESPONSE_NOT_AUTHENTIC');
  expect(check('traces.none').outcome).toBe('pass');
});

/** Wherever it says who made it. */
function lie(response: Buffer): Buffer {
  return Buffer.from(response.toString('latin1').replace('IBM', 'IFX'), 'latin1');
}

/** In the middle of what follows the header. */
function withBitFlipped(response: Buffer): Buffer {
  const at = 10 + ((response.length - 10) >> 1);
  return Buffer.from(response.map((octet, index) => (index === at ? octet ^ 1 : octet)));
}
