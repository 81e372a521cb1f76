import { CountersignError, type ErrorCode } from '@countersign/core';
import { expect } from 'vitest';
import type { Fault, FaultShim } from './fault-shim.ts';

/** How work ends: `recovered` if it is done in spite of the fault, else the code of the refusal. */
export type Outcome = ErrorCode | 'recovered';

/** Does work while a fault is armed, which has to strike. Whatever is thrown other than a refusal is thrown on. */
export async function underFault(
  shim: FaultShim,
  fault: Fault,
  work: () => Promise<unknown>,
): Promise<Outcome> {
  const outcome = await underFaultIfReached(shim, fault, work);
  expect(outcome).toBeDefined();
  return outcome ?? 'recovered';
}

/** As `underFault`, for a fault that may lie behind the last call. @returns undefined if it does, and the work was done */
export async function underFaultIfReached(
  shim: FaultShim,
  fault: Fault,
  work: () => Promise<unknown>,
): Promise<Outcome | undefined> {
  shim.arm(fault);
  try {
    await work();
    return shim.injected > 0 ? 'recovered' : undefined;
  } catch (error) {
    if (!(error instanceof CountersignError) || shim.injected === 0) throw error;
    return error.code;
  } finally {
    shim.disarm();
  }
}
