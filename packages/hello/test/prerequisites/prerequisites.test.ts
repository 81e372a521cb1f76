import {
  assertWillProvision,
  checkPrerequisites,
  enrollmentEvent,
  formatPrerequisites,
  keyRegisteredEvent,
  mustEnrollEvent,
  prerequisiteEvent,
  willRetryEvent,
  type Answer,
  type DeviceState,
} from '@countersign/hello';
import { describe, expect, test } from 'vitest';
import { refusal } from '../refusal.ts';

const authority = {
  hasAdfsRefreshToken: true,
  isAdfsRaReady: true,
  logonTemplate: { isReady: true, state: 'StateReady' },
} as const;
const ready: DeviceState = {
  isDeviceJoined: true,
  isUserAzureAd: true,
  isPolicyEnabled: true,
  isPostLogonEnabled: true,
  isDeviceEligible: true,
  isSessionNotRemote: true,
  policySource: 'group-policy',
  enrollmentAuthority: authority,
};

/** Each fact with the line that tells it. */
const facts: readonly (readonly [string, (answer: Answer) => DeviceState])[] = [
  ['IsDeviceJoined', (isDeviceJoined) => ({ ...ready, isDeviceJoined })],
  ['IsUserAzureAD', (isUserAzureAd) => ({ ...ready, isUserAzureAd })],
  ['PolicyEnabled', (isPolicyEnabled) => ({ ...ready, isPolicyEnabled })],
  ['PostLogonEnabled', (isPostLogonEnabled) => ({ ...ready, isPostLogonEnabled })],
  ['DeviceEligible', (isDeviceEligible) => ({ ...ready, isDeviceEligible })],
  ['SessionIsNotRemote', (isSessionNotRemote) => ({ ...ready, isSessionNotRemote })],
  ['AdfsRefreshToken', (hasAdfsRefreshToken) => withAuthority({ hasAdfsRefreshToken })],
  ['AdfsRaIsReady', (isAdfsRaReady) => withAuthority({ isAdfsRaReady })],
];

describe('the check', () => {
  test('of a device that is ready, as dsregcmd /status prints it', () => {
    expect(formatPrerequisites(checkPrerequisites(ready))).toBe(
      [
        '            IsDeviceJoined : YES',
        '             IsUserAzureAD : YES',
        '             PolicyEnabled : YES',
        '          PostLogonEnabled : YES',
        '            DeviceEligible : YES',
        '        SessionIsNotRemote : YES',
        '            CertEnrollment : enrollment authority',
        '          AdfsRefreshToken : YES',
        '             AdfsRaIsReady : YES',
        '    LogonCertTemplateReady : YES ( StateReady )',
        '              PreReqResult : WillProvision',
        '',
      ].join('\n'),
    );
    expect(() => assertWillProvision(checkPrerequisites(ready))).not.toThrow();
  });

  test.each(facts)('finds a single no, or not tested, in %s', async (name, stateWith) => {
    for (const [answer, value] of [
      [false, 'NO'],
      ['not-tested', 'Not Tested'],
    ] as const) {
      const report = checkPrerequisites(stateWith(answer));
      expect(report).toMatchObject({ result: 'WillNotProvision', unmet: [name] });
      const text = formatPrerequisites(report);
      expect(text).toContain(` ${name} : ${value}\n`);
      expect(text).toContain('PreReqResult : WillNotProvision\n');
      expect(text.match(/: YES/g)).toHaveLength(8);
      await refusal(
        Promise.resolve().then(() => assertWillProvision(report)),
        'PREREQUISITE_FAILED',
      );
      expect(() => assertWillProvision(report)).toThrow(`${name} is ${value}`);
    }
  });

  test('tells the state of a template that is not ready', () => {
    const state = withAuthority({ logonTemplate: { isReady: false, state: '1 : StateNoPolicy' } });
    const report = checkPrerequisites(state);
    expect(report.unmet).toEqual(['LogonCertTemplateReady']);
    expect(formatPrerequisites(report)).toContain('LogonCertTemplateReady : NO ( 1 : StateNoPolicy )\n');
    const untested = checkPrerequisites(withAuthority({ logonTemplate: 'not-tested' }));
    expect(formatPrerequisites(untested)).toContain('LogonCertTemplateReady : Not Tested\n');
  });

  test('asks of an enrollment authority only where there is one, of a ticket only where there is none', () => {
    expect(namesOf({ ...ready, policySource: 'mdm' }).at(-1)).toBe('CertEnrollment');
    expect(namesOf({ ...ready, policySource: 'none' }).at(-1)).toBe('OnPremTGT');
    expect(checkPrerequisites({ ...ready, policySource: 'none', hasOnPremTgt: true }).unmet).toEqual([]);
    expect(checkPrerequisites({ ...ready, policySource: 'none' }).unmet).toEqual(['OnPremTGT']);
    const { enrollmentAuthority: _, ...bare } = ready;
    expect(checkPrerequisites(bare).unmet).toEqual([
      'AdfsRefreshToken',
      'AdfsRaIsReady',
      'LogonCertTemplateReady',
    ]);
  });
});

describe('the event', () => {
  test('358 says that provisioning will be launched', () => {
    const event = prerequisiteEvent(ready);
    expect(event).toMatchObject({ id: 358, level: 'Information' });
    expect(event.message).toBe(
      [
        'Windows Hello for Business provisioning will be launched.',
        'Device is AAD joined ( AADJ or DJ++ ): Yes',
        'User has logged on with AAD credentials: Yes',
        'Windows Hello for Business policy is enabled: Yes',
        'Windows Hello for Business post-logon provisioning is enabled: Yes',
        'Local computer meets Windows hello for business hardware requirements: Yes',
        'User is not connected to the machine via Remote Desktop: Yes',
        'User certificate for on premise auth policy is enabled: Yes',
        'Machine is governed by group policy.',
        'See https://go.microsoft.com/fwlink/?linkid=832647 for more details.',
      ].join('\n'),
    );
  });

  test('360 says that it will not, without an enrollment authority', () => {
    const event = prerequisiteEvent({ ...ready, policySource: 'none', isDeviceJoined: false });
    expect(event).toMatchObject({ id: 360, level: 'Warning' });
    expect(event.message).toContain('will not be launched.\nDevice is AAD joined ( AADJ or DJ++ ): No\n');
    expect(event.message).toContain('User certificate for on premise auth policy is enabled: No\n');
    expect(event.message).toContain('Machine is governed by none policy.\n');
  });

  test('362 says so of one, with what it lacks', () => {
    const event = prerequisiteEvent(
      withAuthority({
        hasAdfsRefreshToken: 'not-tested',
        logonTemplate: { isReady: false, state: '1 : StateNoPolicy' },
      }),
    );
    expect(event).toMatchObject({ id: 362, level: 'Warning' });
    expect(event.message.split('\n').slice(-5)).toEqual([
      'Enterprise user logon certificate enrollment endpoint is ready: Yes',
      'Enterprise user logon certificate template is : No ( 1 : StateNoPolicy )',
      'User has successfully authenticated to the enterprise STS: Not Tested',
      'Certificate enrollment method: enrollment authority',
      'See https://go.microsoft.com/fwlink/?linkid=832647 for more details.',
    ]);
    expect(event.parameters).toHaveLength(12);
  });

  test('355 and 356 tell of an enrollment, 300, 357 and 365 of what is around it', () => {
    const exchange = {
      upn: 'alice@contoso.test',
      tenantId: 'tenant',
      authority: 'https://sts.contoso.test/adfs',
      resource: 'urn:ms-drs',
      exitCode: '0x0',
    };
    const enrolled = enrollmentEvent(true, exchange);
    expect(enrolled.id).toBe(355);
    expect(enrolled.message).toContain(
      'Successfully enrolled for a logon certificate using a Registration Authority.',
    );
    expect(enrolled.message).toContain('Upn: alice@contoso.test\nTenantId: tenant\n');
    expect(enrollmentEvent(false, exchange)).toMatchObject({ id: 356, level: 'Error' });
    const kid = '4476694e-8e3b-4ef8-8487-be21f95e6f07';
    expect(keyRegisteredEvent({ kid, upn: 'test@contoso.com', attestation: 'ATT_SOFT' })).toMatchObject({
      id: 300,
      message:
        'The NGC key was successfully registered. Key ID: {4476694e-8e3b-4ef8-8487-be21f95e6f07}. UPN:test@contoso.com. Attestation: ATT_SOFT. Client request ID: . Server request ID: . Server response: {"kid":"4476694e-8e3b-4ef8-8487-be21f95e6f07","upn":"test@contoso.com"}',
    });
    expect(mustEnrollEvent().id).toBe(357);
    expect(willRetryEvent().message).toContain(
      'Automatic certificate enrollment will retry at regular intervals.',
    );
  });
});

function namesOf(state: DeviceState): readonly string[] {
  return checkPrerequisites(state).lines.map(({ name }) => name);
}

function withAuthority(changes: Partial<NonNullable<DeviceState['enrollmentAuthority']>>): DeviceState {
  return { ...ready, enrollmentAuthority: { ...authority, ...changes } };
}
