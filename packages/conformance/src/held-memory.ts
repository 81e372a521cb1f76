import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Octets on the heap and outside of it that JavaScript objects hold, after a collection of garbage. */
export async function heldOctets(): Promise<number> {
  for (let round = 0; round < 2; round += 1) {
    collectGarbage();
    // Finalizers run in tasks of their own.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') Reflect.apply(collect, undefined, []);
}
