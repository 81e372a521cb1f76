import { CountersignError, signatureSchemes } from '@countersign/core';
import type { CaseContext } from '../case-context.ts';
import { contract, inArea } from '../conformance-case.ts';
import { check, describeError, Deviation, isCountersignError } from '../deviation.ts';

export const errorCases = inArea('errors', [
  {
    id: 'errors.typed',
    title: 'refusals are CountersignErrors with a message and a hint',
    rule: 'The message says what was found and expected, the hint what to do next.',
    source: contract.errors,
    run: async (context) => {
      for (const { what, error } of await refusals(context)) {
        if (!isCountersignError(error))
          throw new Deviation(`a CountersignError for ${what}`, describeError(error));
        const { code, message, hint } = error;
        check(/^[A-Z][A-Z0-9_]+$/.test(code), `a code for ${what}`, JSON.stringify(code));
        check(message.trim().length >= 10, `a message for ${what}`, JSON.stringify(message));
        check(hint.trim().length >= 10, `a hint for ${what}`, JSON.stringify(hint));
      }
    },
  },
  {
    id: 'errors.rejections',
    title: 'refusals are rejected promises, not thrown past them',
    rule: 'Methods that return promises throw nothing synchronously.',
    source: contract.provider,
    run: async (context) => {
      for (const { what, isRejection } of await refusals(context)) {
        check(isRejection, `a rejected promise for ${what}`, 'an error thrown at once');
      }
    },
  },
  {
    id: 'errors.class',
    title: 'refusals are of core’s own class',
    rule: 'Callers tell them apart with instanceof: a provider brings no copy of core along.',
    source: contract.errors,
    needs: ['errors.typed'],
    run: async (context) => {
      for (const { what, error } of await refusals(context)) {
        check(error instanceof CountersignError, `core’s own CountersignError for ${what}`, 'another class');
      }
    },
  },
]);

interface Refusal {
  readonly what: string;
  readonly error: unknown;
  readonly isRejection: boolean;
}

/** Some that every provider has. */
async function refusals({ provider, keys }: CaseContext): Promise<readonly Refusal[]> {
  const { key } = await keys.first();
  const scheme = signatureSchemes.find((name) => !key.schemes.includes(name)) ?? 'ed25519';
  const all = [
    await refusalOf('open of what is no reference', () => provider.open('')),
    await refusalOf('destroy of what is no reference', () => provider.destroy('')),
    await refusalOf('sign with a scheme that the key lacks', () => key.sign(scheme, new Uint8Array(1))),
  ].filter((each) => each !== undefined);
  if (all.length > 0) return all;
  throw new Deviation('a refusal of what is no reference', 'it was done');
}

/** @returns undefined if it was done, which is for other cases to judge */
async function refusalOf(what: string, work: () => Promise<unknown>): Promise<Refusal | undefined> {
  let pending: Promise<unknown>;
  try {
    pending = work();
  } catch (error) {
    return { what, error, isRejection: false };
  }
  try {
    await pending;
  } catch (error) {
    return { what, error, isRejection: true };
  }
  return undefined;
}
