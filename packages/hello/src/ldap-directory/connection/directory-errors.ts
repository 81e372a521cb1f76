import { CountersignError } from '@countersign/core';

export function unreachable(url: string, problem: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'DIRECTORY_UNREACHABLE',
    `${url} cannot be reached: ${problem}`,
    'See that the directory server runs, and that it can be reached from here over LDAPS (port 636 as a rule).',
    { cause },
  );
}

export function notTrusted(url: string, problem: string, cause: unknown): CountersignError {
  return new CountersignError(
    'CERTIFICATE_NOT_TRUSTED',
    `the certificate that ${url} showed is not accepted: ${problem}`,
    'Give the certificate of the CA that issued it, and the name of the server as the certificate has it.',
    { cause },
  );
}

/** @param what completes "the directory refused …" */
export function refused(url: string, what: string, answer: LdapAnswer): CountersignError {
  return new CountersignError(
    'DIRECTORY_REFUSED',
    `${url} refused ${what}: ${describe(answer)}`,
    hints.get(answer.status) ??
      'Look the result code up in RFC 4511 appendix A, and see the log of the server.',
  );
}

export function malformedReply(url: string, problem: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'DIRECTORY_REPLY_MALFORMED',
    `${url} gave no sound answer: ${problem}`,
    'What listens there is no LDAP directory as RFC 4511 has it, or not the Active Directory that is needed here.',
    { cause },
  );
}

/** The fields of LDAPResult (RFC 4511 4.1.9) that tell why something was not done. */
export interface LdapAnswer {
  readonly status: number;
  readonly errorMessage: string;
}

/** RFC 4511 4.1.9. */
export const resultCodes = {
  success: 0,
  sizeLimitExceeded: 4,
  noSuchAttribute: 16,
  attributeOrValueExists: 20,
  noSuchObject: 32,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
} as const;

const hints: ReadonlyMap<number, string> = new Map([
  [resultCodes.invalidCredentials, 'Check the name and the password with which the directory is opened.'],
  [
    resultCodes.insufficientAccessRights,
    'Give the account the right to read users and to write msDS-KeyCredentialLink (the group Key Admins has it).',
  ],
  [resultCodes.busy, 'Try again later.'],
  [resultCodes.unavailable, 'Try again later.'],
]);

/** The diagnostic comes from outside: it is shortened, and cannot steer a terminal. */
function describe({ status, errorMessage }: LdapAnswer): string {
  const name = Object.entries(resultCodes).find(([, code]) => code === status)?.[0] ?? 'result code';
  const diagnostic = errorMessage
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 300);
  return `${name} (${status})${diagnostic === '' ? '' : `, ${diagnostic}`}`;
}
