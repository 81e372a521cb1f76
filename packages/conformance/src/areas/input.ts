import { keyAlgorithms, type KeySpec } from '@countersign/core';
import type { CaseContext } from '../case-context.ts';
import { contract, inArea } from '../conformance-case.ts';
import { check, checkSame, expectRefusal, isCountersignError, NotSupported } from '../deviation.ts';

const clean = 'Bad input gets a refusal that says what is wrong with it, and leaves nothing behind.';

export const inputCases = inArea('input', [
  {
    id: 'input.label-long',
    title: 'a label of 100,000 characters is refused or kept whole',
    rule: `${clean} A label is never cut.`,
    source: `${contract.spec}; VALUE_OUT_OF_RANGE (core, errors.ts)`,
    needs: ['life.open'],
    run: async (context) => refusedOrKept(context, 'x'.repeat(100_000)),
  },
  {
    id: 'input.label-nul',
    title: 'a label with NUL is refused or kept whole',
    rule: `${clean} A label is never cut.`,
    source: `${contract.spec}; VALUE_OUT_OF_RANGE (core, errors.ts)`,
    needs: ['life.open'],
    run: async (context) => refusedOrKept(context, 'before\0after'),
  },
  {
    id: 'input.label-ill-formed',
    title: 'a label that is not well-formed Unicode is refused',
    rule: clean,
    source: `${contract.spec}; Unicode 16 D84, D85a`,
    run: async (context) =>
      refuseGenerate(context, 'a label with half a surrogate pair', 'VALUE_OUT_OF_RANGE', {
        label: 'x\ud800y',
      }),
  },
  {
    id: 'input.algorithm-unknown',
    title: 'an algorithm that nobody knows is refused',
    rule: clean,
    source: `${contract.provider}; ALGORITHM_NOT_SUPPORTED (core, errors.ts)`,
    run: async (context) => {
      for (const algorithm of ['dsa1024', '', 'rsa512', '__proto__']) {
        await refuseGenerate(context, `the algorithm "${algorithm}"`, 'ALGORITHM_NOT_SUPPORTED', {
          algorithm,
        });
      }
    },
  },
  {
    id: 'input.algorithm-not-stated',
    title: 'an algorithm that info does not state is refused',
    rule: `${clean} info.algorithms is what generate takes.`,
    source: contract.info,
    run: async (context) => {
      const others = keyAlgorithms.filter((name) => !context.provider.info.algorithms.includes(name));
      if (others.length === 0) throw new NotSupported('the provider states every algorithm');
      for (const algorithm of others) {
        await refuseGenerate(context, algorithm, 'ALGORITHM_NOT_SUPPORTED', { algorithm });
      }
    },
  },
  {
    id: 'input.pin-empty',
    title: 'no key is made or unlocked with an empty PIN',
    rule: `${clean} An empty PIN guards nothing.`,
    source: `${contract.spec}; PIN_INVALID, PIN_INCORRECT (core, errors.ts)`,
    needs: ['pin.lock', 'pin.wrong'],
    run: async (context) => {
      const key = await context.makeProtected();
      const before = await keyCount(context);
      const pin = new Uint8Array();
      await expectRefusal(['PIN_INVALID', 'PIN_INCORRECT'], 'generate with an empty PIN', async () =>
        context.make({ pin }),
      );
      check((await keyCount(context)) === before, 'no key left behind', 'one more in the list');
      key.lock();
      await context.needsTries(key, 1);
      await expectRefusal(['PIN_INVALID', 'PIN_INCORRECT'], 'unlock with an empty PIN', async () =>
        key.unlock(pin),
      );
      check(key.locked, 'a locked key', 'locked is false');
    },
  },
  {
    id: 'input.pin-not-text',
    title: 'a new PIN that is not UTF-8 is refused and changes nothing',
    rule: 'PINs are UTF-8.',
    source: `${contract.pin}; RFC 3629 3`,
    needs: ['pin.change'],
    run: async (context) => {
      const key = await context.makeProtected();
      const notText = Uint8Array.of(0x31, 0x32, 0x33, 0x34, 0xff, 0xfe);
      await expectRefusal(['PIN_INVALID'], 'changePin to what is not UTF-8', async () =>
        key.changePin(context.pin, notText),
      );
      key.lock();
      await key.unlock(context.pin);
    },
  },
]);

const fields = { label: 'conformance bad input' };

async function refusedOrKept(context: CaseContext, label: string): Promise<void> {
  const before = await keyCount(context);
  try {
    const key = await context.make({ label });
    const { label: kept } = await context.provider.open(key.ref);
    checkSame(Buffer.from(label), Buffer.from(kept), 'the label');
  } catch (error) {
    if (!isCountersignError(error) || error.code !== 'VALUE_OUT_OF_RANGE') throw error;
    check((await keyCount(context)) === before, 'no key left behind', 'one more in the list');
  }
}

/** As a caller without types would have it. */
async function refuseGenerate(
  context: CaseContext,
  what: string,
  code: 'VALUE_OUT_OF_RANGE' | 'ALGORITHM_NOT_SUPPORTED',
  bad: { readonly algorithm?: string; readonly label?: string },
): Promise<void> {
  const before = await keyCount(context);
  const pin = context.target.pin === undefined ? {} : { pin: context.pin };
  const spec = { algorithm: context.algorithm, ...fields, ...pin, ...bad };
  const generate = async (typed: KeySpec): Promise<void> => {
    context.forget((await context.provider.generate(typed)).ref);
  };
  await expectRefusal([code], what, () => Reflect.apply(generate, undefined, [spec]));
  check((await keyCount(context)) === before, 'no key left behind', 'one more in the list');
}

async function keyCount({ provider }: CaseContext): Promise<number> {
  return (await provider.list()).length;
}
