import { CountersignError } from '@countersign/core';

/**
 * Does work, and again after `logIn` while it ends in PIN_REQUIRED because somebody logged out meanwhile. Nothing else is
 * forgiven.
 */
export async function unlessLoggedOut<T>(work: () => Promise<T>, logIn: () => Promise<unknown>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isPinRequired(error) || tries === mostTries) throw error;
    }
    try {
      await logIn();
    } catch (error) {
      // Logged out again in the middle of it.
      if (!isPinRequired(error)) throw error;
    }
  }
}

const mostTries = 50;

function isPinRequired(error: unknown): boolean {
  return error instanceof CountersignError && error.code === 'PIN_REQUIRED';
}
