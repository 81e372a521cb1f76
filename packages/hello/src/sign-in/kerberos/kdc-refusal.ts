import { CountersignError } from '@countersign/core';
import type { KerberosError } from './kerberos-error.ts';
import { kerberosRefusals, otherRefusal } from './kerberos-refusals.ts';

/** Numbers of KRB-ERROR on which more than a refusal depends. */
export const kerberosErrors = {
  preauthRequired: 25,
  badIntegrity: 31,
  dhKeyParametersNotAccepted: 65,
} as const;

/**
 * The refusal that a KDC's error stands for. Nothing authenticates a KRB-ERROR: it is a lead, no proof.
 * @param at the time here
 */
export function kdcRefusal(error: KerberosError, realm: string, at: Date): CountersignError {
  const { symbol, code, found, hint } = kerberosRefusals.get(error.code) ?? otherRefusal;
  const details = [`error ${error.code}`, symbol];
  if (error.text !== undefined && error.text !== '') details.push(`"${error.text}"`);
  if (code === 'CLOCK_SKEW') {
    details.push(`${error.serverTime.toISOString()} there, ${at.toISOString()} here`);
  }
  return new CountersignError(
    code,
    `the KDC of ${realm} refuses the sign-in: ${found} (${details.join(', ')})`,
    hint,
  );
}
