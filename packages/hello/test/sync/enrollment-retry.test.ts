import { CountersignError } from '@countersign/core';
import { expect, test } from 'vitest';
import {
  describeEnrollmentRetries,
  enrollWhenSynced,
  nextEnrollmentRetry,
  type EnrollmentRetry,
} from '../../src/sync/index.ts';
import { refusal } from '../refusal.ts';

const wait = async (): Promise<void> => Promise.resolve();
const withoutSecondFactor = async (): Promise<never> =>
  Promise.reject(new CountersignError('MFA_REQUIRED', 'no second factor', 'Give one.'));
const notSynced = (): CountersignError => new CountersignError('KEY_NOT_SYNCED', 'not yet', 'Wait.');

test('attempts follow 24, 85, 145, 205, 265 and 480 minutes after the registration, then no more', () => {
  const retries = [1, 2, 3, 4, 5, 6, 7].map(nextEnrollmentRetry);
  expect(
    retries.map((retry) => (retry.kind === 'retry' ? retry.minutesAfterRegistration : retry.kind)),
  ).toEqual([24, 85, 145, 205, 265, 480, 'given-up']);
  expect(retries.map((retry) => (retry.kind === 'retry' ? retry.delayMs / 60_000 : 0))).toEqual([
    24, 61, 60, 60, 60, 215, 0,
  ]);
  expect(nextEnrollmentRetry(2).text).toContain('85 minutes after its registration, in 61 minutes');
  expect(nextEnrollmentRetry(7).text).toContain('next sign-in');
  expect(describeEnrollmentRetries()).toContain('24, 85, 145, 205, 265 and 480 minutes');
});

test('an enrollment waits as long as the key has not been synced, and says so', async () => {
  const said: EnrollmentRetry[] = [];
  const waited: number[] = [];
  let attempts = 0;
  const result = await enrollWhenSynced(
    async () => {
      if (++attempts < 4) throw notSynced();
      return Promise.resolve('certificate');
    },
    {
      onRetry: (retry) => said.push(retry),
      wait: async (delayMs) => {
        waited.push(delayMs / 60_000);
        return Promise.resolve();
      },
    },
  );
  expect(result).toBe('certificate');
  expect(waited).toEqual([24, 61, 60]);
  expect(said.map(({ kind }) => kind)).toEqual(['retry', 'retry', 'retry']);
});

test('it gives up after the seventh attempt, and at once for any other refusal', async () => {
  const said: EnrollmentRetry[] = [];
  let attempts = 0;
  const never = async (): Promise<never> => {
    attempts++;
    return Promise.reject(notSynced());
  };
  const options = { onRetry: (retry: EnrollmentRetry) => said.push(retry), wait };
  await refusal(enrollWhenSynced(never, options), 'KEY_NOT_SYNCED');
  expect([attempts, said.at(-1)?.kind]).toEqual([7, 'given-up']);
  await refusal(enrollWhenSynced(withoutSecondFactor, { wait }), 'MFA_REQUIRED');
});

test('a wait ends with its signal', async () => {
  const controller = new AbortController();
  const work = enrollWhenSynced(async () => Promise.reject(notSynced()), {
    signal: controller.signal,
    onRetry: () => {
      setImmediate(() => {
        controller.abort(new Error('signed out'));
      });
    },
  });
  await expect(work).rejects.toMatchObject({ name: 'AbortError' });
});
