/** Whether something is so; `not-tested` where a check before it made the question moot. */
export type Answer = boolean | 'not-tested';

/** Whence the Windows Hello for Business policy came, which decides how certificates are enrolled. */
export type PolicySource = 'group-policy' | 'mdm' | 'none';

/** A state that is no plain yes or no, such as `StateReady` or `1 : StateNoPolicy`. */
export interface TemplateState {
  readonly isReady: boolean;
  readonly state: string;
}

/** What a device says of itself before a user is provisioned: the facts behind `dsregcmd /status`, Ngc Prerequisite Check. */
export interface DeviceState {
  readonly isDeviceJoined: Answer;
  /** The user signed in with cloud credentials. */
  readonly isUserAzureAd: Answer;
  readonly isPolicyEnabled: Answer;
  readonly isPostLogonEnabled: Answer;
  /** The hardware will do. */
  readonly isDeviceEligible: Answer;
  readonly isSessionNotRemote: Answer;
  readonly policySource: PolicySource;
  /** The rest is asked where an enrollment authority issues: with a policy from Group Policy. */
  readonly enrollmentAuthority?: {
    /** The user has an enterprise primary refresh token. */
    readonly hasAdfsRefreshToken: Answer;
    /** The RA supports Windows Hello, and the log-on template is there. */
    readonly isAdfsRaReady: Answer;
    readonly logonTemplate: TemplateState | 'not-tested';
  };
  /** Asked where no certificate is enrolled. */
  readonly hasOnPremTgt?: Answer;
}
