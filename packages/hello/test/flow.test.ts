import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const page = new URL('../FLOW.md', import.meta.url);
const text = readFileSync(page, 'utf8');

test('every module that the flow names is there', () => {
  const links = [...text.matchAll(/\]\(([^)]+\.ts)\)/g)].map(([, path = '']) => path);
  expect(links.length).toBeGreaterThan(25);
  expect(links.filter((path) => !existsSync(new URL(path, page)))).toEqual([]);
});

test('the table has a module for every message of the picture', () => {
  const messages = text.match(/^ {2}\S+-?->>\S+: /gm)?.length ?? 0;
  const rows = [...text.matchAll(/^\| (\d+)(?:–(\d+))? +\|/gm)].map(([, from = '', to = from]) => [
    Number(from),
    Number(to),
  ]);
  const covered = rows.flatMap(([from = 0, to = 0]) =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index),
  );
  expect(covered).toEqual(Array.from({ length: messages }, (_, index) => index + 1));
});

test.each([
  ['src/identity/protocol.ts', 'srv_challenge'],
  ['src/registration/protocol.ts', '/EnrollmentServer/key'],
  ['src/ra-service/protocol.ts', 'winhello_cert'],
  ['src/ra-service/certificate-request-token.ts', 'krctx'],
  ['src/ldap-directory/key-credential-values.ts', 'msDS-KeyCredentialLink'],
])('the words of the picture are those of %s: %s', (module, word) => {
  expect(text).toContain(word);
  expect(readFileSync(new URL(`../${module}`, import.meta.url), 'utf8')).toContain(word);
});
