import { CountersignError } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { element } from '../path-validation/der.ts';
import { auditRecords, requestOf, setUpEnrollment } from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';
import { withoutSigner } from './signer-removal.ts';

test('a CMC request with any one bit changed, or cut off anywhere, is refused by the CA', async () => {
  const { ca, ra, alice, ledger } = await setUpEnrollment();
  const { der } = await ra.countersign(await requestOf(alice), alice.upn, { format: 'cmc' });
  const accepted: string[] = [];
  const attempt = async (altered: Uint8Array, what: string): Promise<void> => {
    try {
      await ca.issue(altered);
      accepted.push(what);
    } catch (error) {
      if (!(error instanceof CountersignError))
        throw new Error(`${what}: no refusal but a crash`, { cause: error });
    }
  };
  for (let at = 0; at < der.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const altered = Uint8Array.from(der);
      altered[at] = (altered[at] ?? 0) ^ (1 << bit);
      await attempt(altered, `octet ${at}, bit ${bit}`);
    }
    await attempt(der.subarray(0, at), `cut off at ${at}`);
  }
  expect(accepted).toEqual([]);
  const refusals = (await auditRecords(ledger)).filter(({ event }) => event === 'request-refused');
  expect(refusals).toHaveLength(der.length * 9);
  // Nothing of all that spoils the request itself.
  await ca.issue(der);
});

describe('a request that was granted is not granted again', () => {
  test('as it is', async () => {
    const { ca, ra, alice } = await setUpEnrollment();
    const { der } = await ra.countersign(await requestOf(alice), alice.upn, { format: 'cmc' });
    await ca.issue(der);
    expect((await refusal(async () => ca.issue(der))).code).toBe('REQUEST_REPLAYED');
  });

  test('without the signer that nobody is', async () => {
    const { ca, ra, alice } = await setUpEnrollment();
    const { der } = await ra.countersign(await requestOf(alice), alice.upn, { format: 'cmc' });
    const lighter = withoutSigner(der, 'no-signature');
    expect(lighter.length).toBeLessThan(der.length);
    await ca.issue(der);
    expect((await refusal(async () => ca.issue(lighter))).code).toBe('REQUEST_REPLAYED');
  });

  test('without that signer first, and then with it', async () => {
    const { ca, ra, alice } = await setUpEnrollment();
    const { der } = await ra.countersign(await requestOf(alice), alice.upn, { format: 'cmc' });
    await ca.issue(withoutSigner(der, 'no-signature'));
    expect((await refusal(async () => ca.issue(der))).code).toBe('REQUEST_REPLAYED');
  });

  test('but a second one for the same key is', async () => {
    const { ca, ra, alice } = await setUpEnrollment();
    const request = await requestOf(alice);
    for (const { der } of [
      await ra.countersign(request, alice.upn, { format: 'cmc' }),
      await ra.countersign(request, alice.upn, { format: 'cmc' }),
    ]) {
      await ca.issue(der);
    }
  });
});

test("without the agent's signature a request is refused", async () => {
  const { ca, ra, alice } = await setUpEnrollment();
  const { der } = await ra.countersign(await requestOf(alice), alice.upn, { format: 'cmc' });
  const error = await refusal(async () => ca.issue(withoutSigner(der, 'certificate')));
  expect(error.code).toBe('REQUEST_NOT_COUNTERSIGNED');
});

test('a message as large as can be is refused in passing', async () => {
  const { ca } = await setUpEnrollment();
  const error = await refusal(async () => ca.issue(element(0x30, new Uint8Array(60_000))));
  expect(error.code).toBe('DER_MALFORMED');
  expect((await refusal(async () => ca.issue(new Uint8Array(300_000)))).code).toBe('INPUT_TOO_LARGE');
});
