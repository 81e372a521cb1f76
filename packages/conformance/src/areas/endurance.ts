import { randomBytes } from 'node:crypto';
import type { CaseContext } from '../case-context.ts';
import { contract, inArea } from '../conformance-case.ts';
import { check, Skipped } from '../deviation.ts';
import { heldOctets } from '../held-memory.ts';
import { withScheme } from '../shared-keys.ts';
import { checkVerifies } from '../signature-check.ts';

/** Large enough for a message kept with each signature to stand out from noise. */
const messageOctets = 16_384;
const allowedGrowth = 2 * 1024 * 1024;

export const enduranceCases = inArea('endurance', [
  {
    id: 'endurance.signatures',
    title: 'many signatures in a row are all right, and hold no memory',
    rule: 'A key signs for as long as it is wanted; nothing that goes in is kept.',
    source: contract.key,
    needs: ['sign.first'],
    run: async ({ keys, target, signal }) => {
      const { key, scheme } = await keys.first();
      const count = countOf(target.endurance?.signatures, 400);
      const sign = async (times: number): Promise<void> => {
        for (let made = 0; made < times; made += 1) {
          if (signal?.aborted === true) return;
          const message = randomBytes(messageOctets);
          checkVerifies(key, scheme, message, await key.sign(scheme, message));
        }
      };
      await sign(Math.ceil(count / 4));
      const before = await heldOctets();
      await sign(count);
      const growth = (await heldOctets()) - before;
      check(
        growth < allowedGrowth,
        `less than ${allowedGrowth} octets more after ${count} signatures`,
        `${growth}`,
      );
    },
  },
  {
    id: 'endurance.keys',
    title: 'keys are made, used and destroyed many times over',
    rule: 'What a destroyed key took is free again.',
    source: contract.provider,
    needs: ['sign.first', 'life.destroy'],
    run: async (context) => {
      context.needsDestroying();
      const { provider, target, signal } = context;
      const count = countOf(target.endurance?.keys, 8);
      const before = (await provider.list()).length;
      for (let made = 0; made < count; made += 1) {
        if (signal?.aborted === true) return;
        await makeUseDestroy(context);
      }
      const after = (await provider.list()).length;
      check(after === before, `${before} keys in the list`, `${after}`);
    },
  },
]);

export function countOf(stated: number | undefined, usual: number): number {
  const count = stated ?? usual;
  if (count > 0) return count;
  throw new Skipped('the target sets the count to 0');
}

async function makeUseDestroy(context: CaseContext): Promise<void> {
  const key = await context.make();
  const message = randomBytes(32);
  const { scheme } = withScheme(key);
  checkVerifies(key, scheme, message, await key.sign(scheme, message));
  await context.provider.destroy(key.ref);
}
