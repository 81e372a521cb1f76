import { setTimeout as delay } from 'node:timers/promises';
import type { Key } from '@countersign/core';
import { describe } from 'vitest';
import { signRightly } from './faulty-signatures.ts';
import { OwnKeys, withOwnKeys } from './own-keys.ts';
import { tryBroken } from './try-broken.ts';

describe('keys', () => {
  tryBroken({
    'list leaves a key out': {
      breaks: () => {
        let last = '';
        return {
          provider: ({ list, generate }) => ({
            generate: async (spec) => {
              const key = await generate(spec);
              last = key.ref;
              return key;
            },
            list: async () => (await list()).filter(({ ref }) => ref !== last),
          }),
        };
      },
      fails: ['life.destroy', 'life.list', 'parallel.generate', 'public.same-everywhere'],
    },
    'list has a key twice': {
      breaks: () => ({
        provider: ({ list }) => ({ list: async () => (await list()).flatMap((key) => [key, key]) }),
      }),
      fails: ['life.list', 'parallel.generate'],
    },
    'list mangles labels': {
      breaks: () => ({
        provider: ({ list }) => ({
          list: async () =>
            (await list()).map((key) => Object.assign(key, { label: key.label.toUpperCase() })),
        }),
      }),
      fails: ['life.list'],
    },
    'labels are trimmed and normalized': {
      breaks: () => ({
        provider: ({ generate }) => ({
          generate: async (spec) =>
            generate({ ...spec, label: (spec.label ?? '').normalize('NFD').replaceAll('\n', ' ') }),
        }),
      }),
      fails: ['life.label', 'ref.label'],
    },
    'long labels are cut': {
      breaks: () => ({
        provider: ({ generate }) => ({
          generate: async (spec) => generate({ ...spec, label: (spec.label ?? '').slice(0, 200) }),
        }),
      }),
      fails: ['input.label-long'],
    },
    'ill-formed labels are mended': {
      breaks: () => ({
        provider: ({ generate }) => ({
          generate: async (spec) => generate({ ...spec, label: (spec.label ?? '').toWellFormed() }),
        }),
      }),
      fails: ['input.label-ill-formed'],
    },
    'one key for all': {
      breaks: () => withOwnKeys(signRightly, undefined, new OwnKeys(({ algorithm }) => algorithm)),
      fails: ['parallel.generate', 'public.distinct', 'public.of-this-key'],
    },
    'the public key is another one’s': {
      breaks: () => {
        const own = new OwnKeys();
        return {
          withoutCertificates: true,
          provider: ({ list }) => ({
            list: async () =>
              (await list()).map((key) => Object.assign(key, { publicKey: own.publicKey(key) })),
          }),
          key: (key) => ({ publicKey: own.publicKey(key) }),
        };
      },
      fails: ['message.openssl', 'sign.ecdsa-sha256', 'sign.first'],
    },
    'an octet follows the public key': {
      breaks: () => ({ key: ({ publicKey }) => ({ publicKey: Uint8Array.of(...publicKey, 0) }) }),
      fails: ['life.list', 'public.same-everywhere', 'public.spki'],
    },
    'an unknown algorithm becomes a known one': {
      breaks: () => ({
        provider: ({ generate }) => ({ generate: async (spec) => generate({ ...spec, algorithm: 'p256' }) }),
      }),
      fails: ['input.algorithm-not-stated', 'input.algorithm-unknown'],
    },
    'a refused generation leaves a key behind': {
      breaks: () => ({
        provider: ({ generate, info }) => ({
          generate: async (spec) => {
            if (!info.algorithms.includes(spec.algorithm)) await generate({ ...spec, algorithm: 'p256' });
            return generate(spec);
          },
        }),
      }),
      fails: ['input.algorithm-not-stated', 'input.algorithm-unknown'],
    },
    'keys made at once are the same one': {
      breaks: () => {
        let making: Promise<Key> | undefined;
        return {
          provider: ({ generate }) => ({
            generate: async (spec) => {
              making ??= generate(spec).finally(() => {
                making = undefined;
              });
              return making;
            },
          }),
        };
      },
      fails: ['parallel.generate'],
    },
    'results of signatures made at once are swapped': {
      breaks: () => {
        const waiting: {
          readonly work: () => Promise<Uint8Array>;
          readonly done: (made: Uint8Array) => void;
        }[] = [];
        return {
          key: ({ sign }) => ({
            sign: async (scheme, message) => {
              const own = Uint8Array.from(message);
              const made = await sign(scheme, own);
              const result = new Promise<Uint8Array>((done) =>
                waiting.push({ work: async () => made, done }),
              );
              await delay(1);
              // The last to come is answered first, with what the first one asked for.
              const [last, first] = [waiting.pop(), waiting.shift()];
              if (last !== undefined) last.done(await (first ?? last).work());
              if (first !== undefined && last !== undefined) first.done(await last.work());
              return result;
            },
          }),
        };
      },
      fails: ['parallel.kinds', 'parallel.two-keys'],
    },
  });
});
