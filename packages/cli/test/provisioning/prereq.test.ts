import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Json } from '../run-countersign.ts';
import { organization, type Organization } from './organization.ts';

let at: Organization;
let joined: string;
beforeAll(async () => {
  at = await organization();
  const { upn } = await at.newUser();
  joined = await at.settings(upn, { facts: {} });
  await at.runJson(['site', 'join', '--dir', 'site', '--config', joined]);
});
afterAll(async () => at.remove());

test('prints what dsregcmd would where all is well, and the event', async () => {
  const { status, stdout } = await at.run(['prereq', '--config', joined]);
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: `            IsDeviceJoined : YES
             IsUserAzureAD : YES
             PolicyEnabled : YES
          PostLogonEnabled : YES
            DeviceEligible : YES
        SessionIsNotRemote : YES
            CertEnrollment : enrollment authority
          AdfsRefreshToken : YES
             AdfsRaIsReady : YES
    LogonCertTemplateReady : YES ( StateReady )
              PreReqResult : WillProvision
`,
  });
  const { stdout: event } = await at.run(['prereq', '--config', joined, '--event']);
  expect(event).toMatch(/^Windows Hello for Business provisioning will be launched\.\n/);
  expect(await at.runJson(['prereq', '--config', joined])).toMatchObject({
    result: 'WillProvision',
    unmet: [],
    event: { id: 358, level: 'Information' },
  });
});

test.each<[string, string, Json, Readonly<Record<string, string>>]>([
  ['a session over SSH', 'SessionIsNotRemote', {}, { SSH_CONNECTION: '192.0.2.1 5000 192.0.2.2 22' }],
  ['a policy that is off', 'PolicyEnabled', { policy: { enabled: false } }, {}],
  ['no provisioning after log-on', 'PostLogonEnabled', { policy: { postLogonProvisioning: false } }, {}],
  [
    'no security device where one is required',
    'DeviceEligible',
    {
      keys: { securityDevice: 'tpm:device=/nonexistent', software: 'memory:' },
      policy: { requireSecurityDevice: true },
    },
    {},
  ],
  ['a user whom the cloud does not know', 'IsUserAzureAD', { upn: 'stranger@contoso.test' }, {}],
])('%s stands in the way', async (_, name, changes, env) => {
  const settings = await at.settings((await at.newUser()).upn, {
    facts: {},
    stateDirectory: joined.replace('.json', '').replace(/^/, 'hello-'),
    ...changes,
  });
  const { status, stdout } = await at.run(['prereq', '--config', settings, '--json'], env);
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    result: 'WillNotProvision',
    unmet: [name],
    event: { id: 362, level: 'Warning' },
  });
});

test('a security device that is preferred and missing is made up for', async () => {
  const settings = await at.settings((await at.newUser()).upn, {
    keys: { securityDevice: 'tpm:device=/nonexistent', software: 'memory:' },
    stateDirectory: joined.replace('.json', '').replace(/^/, 'hello-'),
  });
  expect(await at.runJson(['prereq', '--config', settings])).toMatchObject({ result: 'WillProvision' });
});

test('services that do not answer stand in the way, each with its own line', async () => {
  const nowhere = 'https://127.0.0.1:1';
  const settings = await at.settings((await at.newUser()).upn, {
    services: { identity: nowhere, registration: nowhere, registrationAuthority: nowhere },
  });
  const { status, stdout } = await at.run(['prereq', '--config', settings, '--json']);
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    unmet: ['IsDeviceJoined', 'IsUserAzureAD', 'AdfsRefreshToken', 'AdfsRaIsReady', 'LogonCertTemplateReady'],
  });
});
