import { Deviation } from './deviation.ts';

/** The run was ended by its AbortSignal. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Waits for work no longer than it may take: a provider that hangs must not hang whoever tries it. */
export async function within<T>(
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  if (signal?.aborted === true) throw new Interrupted('the run was interrupted');
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Deviation('an end', `none after ${timeoutMs} ms`));
  }, timeoutMs);
  const interrupt = (): void => reject(new Interrupted('the run was interrupted'));
  signal?.addEventListener('abort', interrupt, { once: true });
  try {
    return await Promise.race([work(), ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', interrupt);
  }
}
