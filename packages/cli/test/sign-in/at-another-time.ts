import { vi } from 'vitest';

/** Does the work while the clock of this process shows another time. */
export async function atAnotherTime<T>(time: Date, work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ['Date'], now: time });
  try {
    return await work();
  } finally {
    vi.useRealTimers();
  }
}
