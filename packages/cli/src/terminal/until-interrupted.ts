/** Waits for SIGINT or SIGTERM, which then end nothing by themselves. */
export async function untilInterrupted(): Promise<void> {
  await new Promise<void>((resolve) => {
    const keepAlive = setInterval(() => undefined, 2 ** 30);
    const end = (): void => {
      clearInterval(keepAlive);
      for (const signal of signals) process.off(signal, end);
      resolve();
    };
    for (const signal of signals) process.on(signal, end);
  });
}

const signals = ['SIGINT', 'SIGTERM'] as const;
