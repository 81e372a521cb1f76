import { expect, test } from 'vitest';
import { temporaryDirectory } from '../provider/running-provider.ts';
import { soakTpm } from './soak.ts';

/** The short form; `npm run soak:tpm` is the long one. */
test('300 signatures by turns are right, and leave nothing', async () => {
  const summary = await soakTpm(await temporaryDirectory(), 300);
  expect(summary).toMatchObject({ signatures: 300, wrong: 0, handlesLeft: 0, failures: 0 });
});
