import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  caIssue,
  countersignFor,
  enrollmentSite,
  expectCleanRefusal,
  filesOf,
  raCountersign,
  type Site,
} from './enrollment-site.ts';

const right = { COUNTERSIGN_PIN: 'the operator keeps it' };
const wrong = { COUNTERSIGN_PIN: 'somebody guesses' };

// The operator keeps the PIN of CA and RA, so that no service.pin lies there.
let site: Site;
beforeAll(async () => {
  site = await enrollmentSite({ env: right });
  await site.runJson(raCountersign('alice.pem', 'alice.cms'), right);
  await writeFile(join(site.path, 'right.pin'), `${right.COUNTERSIGN_PIN}\r\n`);
  await writeFile(join(site.path, 'wrong.pin'), `${wrong.COUNTERSIGN_PIN}\n`);
  await writeFile(join(site.path, 'two-lines.pin'), `${right.COUNTERSIGN_PIN}\n${right.COUNTERSIGN_PIN}\n`);
});
afterAll(async () => site.remove());

test('a PIN that its operator keeps is kept nowhere else', async () => {
  expect((await filesOf(site)).filter((name) => name.endsWith('service.pin'))).toEqual([]);
});

test('a wrong PIN is refused, from the environment and from a file, by CA and RA', async () => {
  const issue = caIssue('alice.cms', 'out.pem');
  const refusal = await expectCleanRefusal(site, 'PIN_INCORRECT', issue, wrong);
  expect(refusal.message).toMatch(/\d+ (?:more )?tr(?:y|ies)/);
  await expectCleanRefusal(site, 'PIN_INCORRECT', [...issue, '--pin-file', 'wrong.pin'], right);
  await expectCleanRefusal(site, 'PIN_INCORRECT', raCountersign('alice.pem', 'out.cms'), wrong);
  await expectCleanRefusal(site, 'PIN_INCORRECT', ['ca', 'crl', '--dir', 'ca', '--out', 'out.crl'], wrong);
  await expectCleanRefusal(site, 'PIN_INCORRECT', ['ra', 'init', '--dir', 'ra2', '--ca', 'ca'], wrong);
});

test('no PIN, where there is no terminal to ask at, is refused with the ways to give one', async () => {
  const refusal = await expectCleanRefusal(site, 'PIN_REQUIRED', caIssue('alice.cms', 'out.pem'));
  expect(refusal.hint).toContain('--pin-file');
  expect(refusal.hint).toContain('COUNTERSIGN_PIN');
});

test('a PIN file with a second line is refused rather than half read', async () => {
  const issue = [...caIssue('alice.cms', 'out.pem'), '--pin-file', 'two-lines.pin'];
  await expectCleanRefusal(site, 'PIN_INVALID', issue);
});

test('the right PIN is taken from a file, before the environment is looked at', async () => {
  await site.runJson([...caIssue('alice.cms', 'alice.crt'), '--pin-file', 'right.pin'], wrong);
});

test('revoking takes no PIN', async () => {
  await site.runJson(raCountersign('alice.pem', 'second.cms'), right);
  const { serialNumber } = await site.runJson(caIssue('second.cms', 'second.crt'), right);
  await site.runJson(['ca', 'revoke', '--dir', 'ca', String(serialNumber)]);
});

test('a service’s own PIN serves without anybody at the keyboard', async () => {
  const own = await enrollmentSite();
  try {
    await countersignFor(own, 'alice.pem', 'alice.cms');
    // COUNTERSIGN_PIN is the user's there, and no service's.
    await own.runJson(caIssue('alice.cms', 'alice.crt'), wrong);
    await expectCleanRefusal(
      own,
      'PIN_INCORRECT',
      raCountersign('alice.pem', 'out.cms').concat('--pin-file', join(site.path, 'wrong.pin')),
    );
  } finally {
    await own.remove();
  }
});
