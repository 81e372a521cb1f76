import { contract, inArea } from '../conformance-case.ts';
import { check, describeError, Deviation, isCountersignError, NotSupported, Skipped } from '../deviation.ts';
import { opened } from './pin.ts';

/** More than any device gives. */
const maxTries = 300;

export const lockoutCases = inArea('lockout', [
  {
    id: 'lockout.locks',
    title: 'after the last try not even the right PIN unlocks',
    rule: 'Errors of unlock: PIN_LOCKED (says when a try is possible again); a provider may stop before, with PIN_FINAL_TRY.',
    source: `${contract.pin}; FIPS 140-3 (ISO/IEC 19790 7.4.4)`,
    needs: ['pin.wrong', 'pin.unlock'],
    run: async (context) => {
      const { target } = context;
      if (target.tries === 'unlimited') throw new NotSupported('the target says that nothing locks');
      if (target.allowLockout !== true) throw new Skipped('the target does not allow it');
      const key = await opened(context);
      const stated = await key.retriesLeft();
      let tries = 0;
      let last = await codeOf(async () => key.unlock(context.wrongPin));
      while (last === 'PIN_INCORRECT' && tries < maxTries) {
        tries += 1;
        last = await codeOf(async () => key.unlock(context.wrongPin));
      }
      check(isLocked(last), 'PIN_LOCKED or PIN_FINAL_TRY in the end', last);
      const isExact = (target.tries ?? 'exact') === 'exact';
      // A device may say that it locked with the very try that locked it, and a provider may keep the last one back.
      const isCounted = tries === stated || tries === stated - 1;
      check(!isExact || isCounted, `as many tries as retriesLeft said (${stated})`, `${tries}`);
      const right = await codeOf(async () => key.unlock(context.pin));
      check(isLocked(right), 'the right PIN to be refused too', right);
      check(key.locked, 'a locked key', 'locked is false');
      const left = await key.retriesLeft();
      check(left === (last === 'PIN_LOCKED' ? 0 : 1), 'no tries to be left', `${left}`);
    },
  },
]);

function isLocked(code: string): boolean {
  return code === 'PIN_LOCKED' || code === 'PIN_FINAL_TRY';
}

async function codeOf(work: () => Promise<void>): Promise<string> {
  try {
    await work();
    return 'no refusal';
  } catch (error) {
    if (isCountersignError(error)) return error.code;
    throw new Deviation('a CountersignError', describeError(error), error);
  }
}
