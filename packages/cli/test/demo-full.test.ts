import { afterAll, beforeAll, expect, test } from 'vitest';
import { emptySite, type Site } from './enrollment-site.ts';
import { isJson, type Json } from './run-countersign.ts';

let site: Site;
let summary: Json;
beforeAll(async () => {
  site = await emptySite();
  summary = await site.runJson(['demo', '--full', '--provider', 'pkcs11', '--out', 'out']);
});
afterAll(async () => site.remove());

test('countersign demo --full signs in to an Active Directory domain and to MIT Kerberos', () => {
  expect(summary['algorithm']).toBe('rsa2048');
  expect(JSON.stringify(summary['signIns'])).toMatch(
    /^\[\{"server":"Samba [^"]+","signedIn":true\},\{"server":"MIT Kerberos [^"]+","signedIn":true\}\]$/,
  );
});

test('its certificate has the SID of the domain, and its steps say what was done', () => {
  const { user, steps } = summary;
  expect(user).toMatchObject({ upn: 'alice@CONTOSO.TEST' });
  const sid = isJson(user) ? String(user['sid']) : '';
  expect(JSON.stringify(steps)).toContain(`the directory sees ${sid}`);
});

test('what it leaves needs no domain: directory, CA and audit trail go on', async () => {
  const shown = await site.runJson(['directory', 'show', '--dir', 'out/demo-state/directory']);
  expect(JSON.stringify(shown)).toMatch(/"upn":"alice@CONTOSO\.TEST".*"keyId":"[0-9a-f]{64}"/);
  expect(await site.runJson(['ca', 'audit', 'verify', '--dir', 'out/demo-state/ca'])).toMatchObject({});
  expect((await site.run(['ca', 'crl', '--dir', 'out/demo-state/ca', '--out', 'ca.crl'])).status).toBe(0);
});
