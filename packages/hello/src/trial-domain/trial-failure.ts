import { CountersignError } from '@countersign/core';

/** @param found why no domain can be tried here */
export function notAvailable(found: string, hint: string, cause?: unknown): CountersignError {
  return new CountersignError('TRIAL_DOMAIN_NOT_AVAILABLE', found, hint, { cause });
}

export const installHint = 'Install what it takes: scripts/setup.sh --full';
