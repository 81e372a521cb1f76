import { contract, inArea } from '../conformance-case.ts';
import { asProtected, type CaseContext } from '../case-context.ts';
import type { Key, PinProtected } from '@countersign/core';
import { checkSame, expectRefusal } from '../deviation.ts';
import { checkLocked, refuseWrong, use } from './pin.ts';

const rule = 'changePin puts the new PIN in the place of the old one; it takes the old one to do so.';

export const pinChangeCases = inArea('pin', [
  {
    id: 'pin.change',
    title: 'the new PIN unlocks, the old one no longer does',
    rule,
    source: contract.pin,
    needs: ['pin.wrong', 'pin.unlock', 'life.open'],
    run: async (context) =>
      withOtherPin(context, async (key) => {
        const again = asProtected(await context.provider.open(key.ref));
        key.lock();
        await refuseWrong(context, again, context.pin);
        await again.unlock(context.otherPin);
        await use(again);
      }),
  },
  {
    id: 'pin.change-same-key',
    title: 'the key stays the same under its new PIN',
    rule: `${rule} Reference, label and public key stay.`,
    source: contract.pin,
    needs: ['pin.change'],
    run: async (context) => {
      await withOtherPin(context, async (key) => {
        const again = await context.provider.open(key.ref);
        checkSame(key.publicKey, again.publicKey, 'the public key');
      });
    },
  },
  {
    id: 'pin.change-lasting',
    title: 'another provider on the same store wants the new PIN',
    rule,
    source: contract.pin,
    needs: ['pin.change'],
    run: async (context) => {
      const maker = await context.openSame();
      const { otherPin } = context;
      const made = await context.makeProtected({}, maker);
      await made.changePin(context.pin, otherPin);
      await context.shut(maker);
      // A PIN may be that of all keys: it is put back whatever happens.
      const key = asProtected(await (await context.openSame()).open(made.ref));
      try {
        await key.unlock(otherPin);
        await use(key);
      } finally {
        await key.changePin(otherPin, context.pin);
      }
    },
  },
  {
    id: 'pin.change-wrong-current',
    title: 'a wrong current PIN changes nothing',
    rule: `${rule} A wrong one is PIN_INCORRECT.`,
    source: contract.pin,
    needs: ['pin.change'],
    run: async (context) => {
      const key = await context.makeProtected();
      await context.needsTries(key, 1);
      await expectRefusal(['PIN_INCORRECT'], 'changePin with a wrong current PIN', async () =>
        key.changePin(context.wrongPin, context.otherPin),
      );
      const again = asProtected(await context.provider.open(key.ref));
      await checkLocked(again);
      await again.unlock(context.pin);
      await use(again);
    },
  },
  {
    id: 'pin.change-buffers',
    title: 'the caller may wipe both PIN buffers as soon as changePin returns',
    rule: 'The caller wipes its buffers.',
    source: contract.pin,
    needs: ['pin.change'],
    run: async (context) => {
      const [current, next] = [context.pin, context.otherPin];
      const key = await context.makeProtected();
      const changing = key.changePin(current, next);
      current.fill(0);
      next.fill(0);
      await changing;
      const [back, wanted] = [context.otherPin, context.pin];
      await key.changePin(back, wanted);
      key.lock();
      await key.unlock(context.pin);
    },
  },
]);

/** Works while the PIN is the other one, and puts the right one back: it may be the PIN of all keys. */
async function withOtherPin(
  context: CaseContext,
  work: (key: Key & PinProtected) => Promise<void>,
): Promise<void> {
  const key = await context.makeProtected();
  await key.changePin(context.pin, context.otherPin);
  try {
    await work(key);
  } finally {
    await key.changePin(context.otherPin, context.pin);
  }
}
