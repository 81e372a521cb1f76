import { CountersignError } from '@countersign/core';
import { describe } from 'vitest';
import { isRefusal, unless } from './refusals.ts';
import { tryBroken } from './try-broken.ts';

describe('references', () => {
  tryBroken({
    'open ignores the reference': {
      breaks: () => {
        let first: string | undefined;
        return {
          provider: ({ open, generate }) => ({
            generate: async (spec) => {
              const key = await generate(spec);
              first ??= key.ref;
              return key;
            },
            open: async (ref) => {
              await open(ref);
              return open(first ?? ref);
            },
          }),
        };
      },
      fails: ['life.open'],
    },
    'of several keys the first is opened': {
      breaks: () => ({
        provider: ({ open, list }) => ({
          open: async (ref) => {
            try {
              return await open(ref);
            } catch (error) {
              unless('KEY_AMBIGUOUS')(error);
              const twin = (await list()).find(({ label }) => label.startsWith('twin'));
              return open(twin?.ref ?? ref);
            }
          },
        }),
      }),
      fails: ['ref.ambiguous'],
    },
    'of several keys the first is destroyed': {
      breaks: () => ({
        provider: ({ destroy }) => ({ destroy: async (ref) => destroy(ref).catch(unless('KEY_AMBIGUOUS')) }),
      }),
      fails: ['ref.ambiguous'],
    },
    'references of other schemes are taken': {
      breaks: () => ({
        provider: ({ open }) => ({
          open: async (ref) => open(ref.replace(/^(?:foreign|xmemory):/, 'memory:')),
        }),
      }),
      fails: ['ref.foreign'],
    },
    'references to other places are taken': {
      breaks: () => ({
        provider: ({ open }) => ({ open: async (ref) => open(ref.replace(/\?store=.*/, '')) }),
      }),
      fails: ['ref.elsewhere'],
    },
    'a missing key has the wrong code': {
      breaks: () => ({
        provider: ({ open }) => ({
          open: async (ref) =>
            open(ref).catch((error: unknown) => {
              if (!isRefusal(error, 'KEY_NOT_FOUND')) throw error;
              throw new CountersignError('KEY_REFERENCE_MALFORMED', error.message, error.hint);
            }),
        }),
      }),
      fails: ['life.destroy', 'ref.label'],
    },
    'a missing key is a plain Error': {
      breaks: () => ({
        provider: ({ open }) => ({
          open: async (ref) =>
            open(ref).catch((error: unknown) => {
              throw isRefusal(error, 'KEY_NOT_FOUND') ? new Error('no such key') : error;
            }),
        }),
      }),
      fails: ['life.destroy', 'ref.label'],
    },
    'what is no reference is a missing key': {
      breaks: () => ({
        provider: ({ open }) => ({
          open: async (ref) =>
            open(ref).catch((error: unknown) => {
              if (!isRefusal(error, 'KEY_REFERENCE_MALFORMED')) throw error;
              throw new CountersignError('KEY_NOT_FOUND', error.message, error.hint);
            }),
        }),
      }),
      fails: ['ref.foreign', 'ref.malformed'],
    },
    'refusals have no hint': {
      breaks: () => ({
        provider: ({ open }) => ({
          open: async (ref) =>
            open(ref).catch((error: unknown) => {
              if (!(error instanceof CountersignError)) throw error;
              throw new CountersignError(error.code, error.message, '');
            }),
        }),
      }),
      fails: ['errors.typed'],
    },
    'refusals are thrown at once': {
      breaks: () => ({
        provider: ({ open }) => ({
          open: (ref) => {
            if (ref === '')
              throw new CountersignError(
                'KEY_REFERENCE_MALFORMED',
                'it is an empty text',
                'Give a reference.',
              );
            return open(ref);
          },
        }),
      }),
      fails: ['errors.rejections'],
    },
    'a reopened key is another one': {
      breaks: () => {
        let opened = 0;
        return {
          provider: ({ open, list }) => {
            opened += 1;
            const isFirst = opened === 1;
            return {
              open: async (ref) => {
                const key = await open(ref);
                if (isFirst) return key;
                return open((await list()).find((other) => other.ref !== ref)?.ref ?? ref);
              },
            };
          },
        };
      },
      fails: ['life.reopened', 'pin.change-lasting', 'public.stable'],
    },
  });
});
