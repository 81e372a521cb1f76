import { CountersignError } from '@countersign/core';
import type { Answer, DeviceState, PolicySource } from './device-state.ts';

/** One line of the check, in the order and the words of `dsregcmd /status`. */
export interface PrerequisiteLine {
  readonly name: string;
  readonly value: string;
  /** Whether provisioning may go on as far as this line is concerned; undefined for what only informs. */
  readonly isMet: boolean | undefined;
}

export interface PrerequisiteReport {
  readonly lines: readonly PrerequisiteLine[];
  readonly result: 'WillProvision' | 'WillNotProvision';
  /** Names of the lines that stand in the way. */
  readonly unmet: readonly string[];
}

/** Provisioning starts only if every check was made and came out right. */
export function checkPrerequisites(state: DeviceState): PrerequisiteReport {
  const lines = [
    line('IsDeviceJoined', state.isDeviceJoined),
    line('IsUserAzureAD', state.isUserAzureAd),
    line('PolicyEnabled', state.isPolicyEnabled),
    line('PostLogonEnabled', state.isPostLogonEnabled),
    line('DeviceEligible', state.isDeviceEligible),
    line('SessionIsNotRemote', state.isSessionNotRemote),
    { name: 'CertEnrollment', value: certEnrollment[state.policySource], isMet: undefined },
    ...enrollmentLines(state),
  ];
  const unmet = lines.filter(({ isMet }) => isMet === false).map(({ name }) => name);
  return { lines, result: unmet.length === 0 ? 'WillProvision' : 'WillNotProvision', unmet };
}

/** The section as `dsregcmd /status` prints it, names aligned at the colon. */
export function formatPrerequisites({ lines, result }: PrerequisiteReport): string {
  const all = [...lines, { name: 'PreReqResult', value: result }];
  return all.map(({ name, value }) => `${name.padStart(nameWidth)} : ${value}\n`).join('');
}

/** @throws CountersignError `PREREQUISITE_FAILED` that names what stands in the way */
export function assertWillProvision({ lines, unmet }: PrerequisiteReport): void {
  if (unmet.length === 0) return;
  const found = lines
    .filter(({ name }) => unmet.includes(name))
    .map(({ name, value }) => `${name} is ${value}`);
  throw new CountersignError(
    'PREREQUISITE_FAILED',
    `Windows Hello for Business provisioning will not be launched: ${found.join(', ')}`,
    unmet.flatMap((name) => remedies.get(name) ?? []).join(' '),
  );
}

const nameWidth = 26;

const certEnrollment: Readonly<Record<PolicySource, string>> = {
  'group-policy': 'enrollment authority',
  mdm: 'mobile device management',
  none: 'none',
};

const remedies: ReadonlyMap<string, string> = new Map([
  ['IsDeviceJoined', 'Register the device with the directory.'],
  ['IsUserAzureAD', 'Sign in with an account that the cloud directory knows.'],
  ['PolicyEnabled', 'Enable Windows Hello for Business by policy.'],
  ['PostLogonEnabled', 'Let provisioning run after log-on, by policy.'],
  ['DeviceEligible', 'Switch the TPM on, or do not require a security device.'],
  ['SessionIsNotRemote', 'Sign in at the machine itself: not over Remote Desktop or SSH.'],
  ['AdfsRefreshToken', 'Sign in to the enterprise security token service.'],
  ['AdfsRaIsReady', 'Start the registration authority, and see that its certificate is valid.'],
  ['LogonCertTemplateReady', 'Publish the log-on certificate template.'],
  ['OnPremTGT', 'Reach a domain controller, so that it issues a ticket.'],
]);

function enrollmentLines({
  policySource,
  enrollmentAuthority,
  hasOnPremTgt,
}: DeviceState): PrerequisiteLine[] {
  if (policySource === 'none') return [line('OnPremTGT', hasOnPremTgt ?? 'not-tested')];
  if (policySource === 'mdm') return [];
  const { hasAdfsRefreshToken, isAdfsRaReady, logonTemplate } = enrollmentAuthority ?? notTested;
  return [
    line('AdfsRefreshToken', hasAdfsRefreshToken),
    line('AdfsRaIsReady', isAdfsRaReady),
    logonTemplate === 'not-tested'
      ? line('LogonCertTemplateReady', 'not-tested')
      : {
          name: 'LogonCertTemplateReady',
          value: `${logonTemplate.isReady ? 'YES' : 'NO'} ( ${logonTemplate.state} )`,
          isMet: logonTemplate.isReady,
        },
  ];
}

const notTested = {
  hasAdfsRefreshToken: 'not-tested',
  isAdfsRaReady: 'not-tested',
  logonTemplate: 'not-tested',
} as const;

function line(name: string, answer: Answer): PrerequisiteLine {
  const value = answer === 'not-tested' ? 'Not Tested' : answer ? 'YES' : 'NO';
  return { name, value, isMet: answer === true };
}
