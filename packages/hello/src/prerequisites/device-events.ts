import type { Answer, DeviceState, PolicySource, TemplateState } from './device-state.ts';
import { checkPrerequisites } from './check-prerequisites.ts';

/** Of the channel Microsoft-Windows-User Device Registration/Admin. */
export interface DeviceEvent {
  readonly id: number;
  readonly level: 'Information' | 'Warning' | 'Error';
  readonly message: string;
  /** What stands in the message, by its place: %1 first. */
  readonly parameters: readonly string[];
}

/** 358 or 360 for any policy, 362 besides where an enrollment authority issues and provisioning will not be launched. */
export function prerequisiteEvent(state: DeviceState): DeviceEvent {
  const { result } = checkPrerequisites(state);
  const willProvision = result === 'WillProvision';
  const launched = `Windows Hello for Business provisioning will ${willProvision ? '' : 'not '}be launched.`;
  const common = [
    launched,
    word(state.isDeviceJoined),
    word(state.isUserAzureAd),
    word(state.isPolicyEnabled),
    word(state.isPostLogonEnabled),
    word(state.isDeviceEligible),
    word(state.isSessionNotRemote),
    word(state.policySource !== 'none'),
  ];
  if (willProvision || state.policySource !== 'group-policy') {
    return event(willProvision ? 358 : 360, willProvision ? 'Information' : 'Warning', plainTemplate, [
      ...common,
      governors[state.policySource],
    ]);
  }
  const {
    hasAdfsRefreshToken = 'not-tested',
    isAdfsRaReady = 'not-tested',
    logonTemplate = 'not-tested',
  } = state.enrollmentAuthority ?? {};
  return event(362, 'Warning', authorityTemplate, [
    ...common,
    word(isAdfsRaReady),
    templateWord(logonTemplate),
    word(hasAdfsRefreshToken),
    'enrollment authority',
  ]);
}

/** What 300 says of a registration. */
export interface RegisteredKeyFacts {
  /** GUID that the registration service gave the key. */
  readonly kid: string;
  readonly upn: string;
  /** `ATT_SOFT` for a key without an attestation. */
  readonly attestation: string;
}

/** 300: the key is registered. */
export function keyRegisteredEvent({ kid, upn, attestation }: RegisteredKeyFacts): DeviceEvent {
  return event(
    300,
    'Information',
    'The NGC key was successfully registered. Key ID: %1. UPN:%2. Attestation: %3. Client request ID: %4. Server request ID: %5. Server response: %6',
    [`{${kid}}`, upn, attestation, '', '', JSON.stringify({ kid, upn })],
  );
}

/** What 355 and 356 say of an enrollment. */
export interface LogonCertificateFacts {
  readonly upn: string;
  readonly tenantId: string;
  readonly authority: string;
  readonly resource: string;
  readonly exitCode: string;
}

/** 355: enrolled for a log-on certificate; 356: failed, in words of ours. */
export function enrollmentEvent(isEnrolled: boolean, facts: LogonCertificateFacts): DeviceEvent {
  const { upn, tenantId, authority, resource, exitCode } = facts;
  return event(
    isEnrolled ? 355 : 356,
    isEnrolled ? 'Information' : 'Error',
    `${isEnrolled ? 'Successfully enrolled' : 'Failed to enroll'} for a logon certificate using a Registration Authority.\n` +
      'Upn: %1\nTenantId: %2\nAuthority: %3\nResource: %4\nExitCode: %5',
    [upn, tenantId, authority, resource, exitCode],
  );
}

/** 357: the policy wants a certificate besides the PIN. */
export function mustEnrollEvent(): DeviceEvent {
  return event(
    357,
    'Information',
    'Group Policy indicates the user must enroll for a logon certificate along with their work PIN.',
    [],
  );
}

/** 365: not now; enrollment retries by itself. The middle of the sentence is ours. */
export function willRetryEvent(): DeviceEvent {
  return event(
    365,
    'Warning',
    'Unable to enroll for a logon certificate. Automatic certificate enrollment will retry at regular intervals.',
    [],
  );
}

const moreDetails = 'See https://go.microsoft.com/fwlink/?linkid=832647 for more details.';

const commonTemplate = [
  '%1',
  'Device is AAD joined ( AADJ or DJ++ ): %2',
  'User has logged on with AAD credentials: %3',
  'Windows Hello for Business policy is enabled: %4',
  'Windows Hello for Business post-logon provisioning is enabled: %5',
  'Local computer meets Windows hello for business hardware requirements: %6',
  'User is not connected to the machine via Remote Desktop: %7',
  'User certificate for on premise auth policy is enabled: %8',
];
const plainTemplate = [...commonTemplate, 'Machine is governed by %9 policy.', moreDetails].join('\n');
const authorityTemplate = [
  ...commonTemplate,
  'Enterprise user logon certificate enrollment endpoint is ready: %9',
  'Enterprise user logon certificate template is : %10',
  'User has successfully authenticated to the enterprise STS: %11',
  'Certificate enrollment method: %12',
  moreDetails,
].join('\n');

const governors: Readonly<Record<PolicySource, string>> = {
  'group-policy': 'group',
  mdm: 'mobile device management',
  none: 'none',
};

function event(
  id: number,
  level: DeviceEvent['level'],
  template: string,
  parameters: readonly string[],
): DeviceEvent {
  const message = template.replaceAll(/%(\d+)/g, (_, place: string) => parameters[Number(place) - 1] ?? '');
  return { id, level, message, parameters };
}

function word(answer: Answer): string {
  if (answer === 'not-tested') return 'Not Tested';
  return answer ? 'Yes' : 'No';
}

function templateWord(template: TemplateState | 'not-tested'): string {
  if (template === 'not-tested') return 'Not Tested';
  return `${template.isReady ? 'Yes' : 'No'} ( ${template.state} )`;
}
