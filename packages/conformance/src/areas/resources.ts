import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { CaseContext } from '../case-context.ts';
import { contract, inArea } from '../conformance-case.ts';
import { check, NotSupported } from '../deviation.ts';
import { withScheme } from '../shared-keys.ts';
import { countOf } from './endurance.ts';

const rule = 'close releases what the provider holds.';

export const resourceCases = inArea('resources', [
  {
    id: 'resources.descriptors',
    title: 'closed providers leave no file descriptor open',
    rule,
    source: `${contract.provider}; proc(5), /proc/pid/fd`,
    needs: ['life.usable-at-once'],
    run: async (context) => growsNot(context, 'file descriptors', openDescriptors),
  },
  {
    id: 'resources.handles',
    title: 'closed providers leave nothing that keeps the process running',
    rule: `${rule} A program that has closed its providers ends.`,
    source: `${contract.provider}; process.getActiveResourcesInfo`,
    needs: ['life.usable-at-once'],
    run: async (context) =>
      growsNot(context, 'handles of the event loop', async () => process.getActiveResourcesInfo().length),
  },
]);

/** Opens, uses and closes providers. Anything that one of them leaves behind is there as many times as they were. */
async function growsNot(context: CaseContext, what: string, count: () => Promise<number>): Promise<void> {
  const times = countOf(context.target.endurance?.providers, 6);
  await openUseClose(context);
  const before = await count();
  for (let opened = 0; opened < times && context.signal?.aborted !== true; opened += 1)
    await openUseClose(context);
  let after = await count();
  // What is being closed may need turns of the event loop to be gone.
  for (let waited = 0; waited < 50 && after >= before + times; waited += 1) {
    await delay(20);
    after = await count();
  }
  check(
    after < before + times,
    `no more ${what} after ${times} providers than before (${before})`,
    `${after}`,
  );
}

async function openUseClose(context: CaseContext): Promise<void> {
  const provider = await context.open();
  const key = await context.make({}, provider);
  await key.sign(withScheme(key).scheme, new Uint8Array(10));
  await provider.list();
  await context.shut(provider);
}

async function openDescriptors(): Promise<number> {
  try {
    return (await readdir('/proc/self/fd')).length;
  } catch (cause) {
    throw new NotSupported('this system does not show a process its file descriptors', { cause });
  }
}
