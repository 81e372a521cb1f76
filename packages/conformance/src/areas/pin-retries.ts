import { contract, inArea } from '../conformance-case.ts';
import { check, NotSupported } from '../deviation.ts';
import { opened, refuseWrong } from './pin.ts';

export const pinRetryCases = inArea('pin', [
  {
    id: 'pin.retries',
    title: 'retriesLeft falls by one with a wrong PIN, and never rises by one',
    rule: 'Wrong PINs that may still be given before the provider locks; the least it can be where it cannot know.',
    source: contract.pin,
    needs: ['pin.wrong'],
    run: async (context) => {
      const key = await opened(context);
      const isExact = (context.target.tries ?? 'exact') === 'exact';
      await context.needsTries(key, 2);
      let before = await key.retriesLeft();
      check(Number.isSafeInteger(before) && before > 0, 'a positive number of tries', `${before}`);
      for (let tries = 0; tries < (isExact ? 2 : 1); tries += 1) {
        await refuseWrong(context, key, context.wrongPin);
        const after = await key.retriesLeft();
        check(
          isExact ? after === before - 1 : after <= before,
          `${before - 1} tries after a wrong PIN`,
          `${after}`,
        );
        before = after;
      }
    },
  },
  {
    id: 'pin.retries-told',
    title: 'the refusal of a wrong PIN says how many tries are left',
    rule: 'PIN_INCORRECT says how many tries are left.',
    source: contract.pin,
    needs: ['pin.wrong'],
    run: async (context) => {
      if ((context.target.tries ?? 'exact') !== 'exact')
        throw new NotSupported('the target cannot tell the number');
      const key = await opened(context);
      const { message } = await refuseWrong(context, key, context.wrongPin);
      const left = await key.retriesLeft();
      check(new RegExp(`\\b${left}\\b`).test(message), `a message that says ${left}`, message);
    },
  },
  {
    id: 'pin.retries-after-right',
    title: 'the right PIN restores the tries where the target says so, and only there',
    rule: 'Wrong PINs are forgotten with time, or with the right PIN: as the target states it.',
    source: 'ConformanceTarget.wrongPinsForgotten; TPM 2.0 part 1, 19.8; ISO 7816-4 11.6.6',
    needs: ['pin.retries'],
    run: async (context) => {
      const { wrongPinsForgotten, tries = 'exact' } = context.target;
      if (wrongPinsForgotten === undefined || tries !== 'exact')
        throw new NotSupported('the target does not say');
      const key = await opened(context);
      const before = await key.retriesLeft();
      await refuseWrong(context, key, context.wrongPin);
      await key.unlock(context.pin);
      const after = await key.retriesLeft();
      const isRight = wrongPinsForgotten === 'with-time' ? after === before - 1 : after >= before;
      check(
        isRight,
        `wrong PINs to be forgotten ${wrongPinsForgotten}`,
        `${before} tries before, ${after} after`,
      );
    },
  },
  {
    id: 'pin.right-costs-nothing',
    title: 'the right PIN costs no try',
    rule: 'retriesLeft counts wrong PINs.',
    source: contract.pin,
    run: async (context) => {
      const key = await opened(context);
      const before = await key.retriesLeft();
      await key.unlock(context.pin);
      const after = await key.retriesLeft();
      check(after >= before, `${before} tries after the right PIN`, `${after}`);
    },
  },
]);
