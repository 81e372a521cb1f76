import { afterAll, beforeAll } from 'vitest';
import { sambaDomainTimeoutMs, startSambaDomain, type SambaDomain } from '@countersign/hello/trial-domain';
import { changingKeys } from './suites/changing-keys.ts';
import { connecting } from './suites/connecting.ts';
import { findingUsers } from './suites/finding-users.ts';
import { hostileNames } from './suites/hostile-names.ts';
import { losingAnswers } from './suites/losing-answers.ts';
import { readingKeys } from './suites/reading-keys.ts';

// One domain for all of them, since starting one takes seconds and there can be only one on a machine.
let domain: SambaDomain | undefined;

beforeAll(async () => {
  domain = await startSambaDomain();
}, sambaDomainTimeoutMs);

afterAll(async () => {
  await domain?.stop();
});

for (const suite of [findingUsers, hostileNames, connecting, readingKeys, changingKeys, losingAnswers]) {
  suite(() => {
    if (domain === undefined) throw new Error('the domain did not start');
    return domain;
  });
}
