import { closeSync, openSync } from 'node:fs';
import { CountersignError, type Key } from '@countersign/core';
import { afterAll, describe } from 'vitest';
import { isRefusal, unless } from './refusals.ts';
import { tryBroken } from './try-broken.ts';

describe('destroying', () => {
  tryBroken({
    'destroy keeps the key': {
      breaks: () => ({
        provider: ({ open }) => ({
          destroy: async (ref) => {
            await open(ref);
          },
        }),
      }),
      fails: ['life.destroy'],
    },
    'destroying twice is no error': {
      breaks: () => ({
        provider: ({ destroy }) => ({ destroy: async (ref) => destroy(ref).catch(unless('KEY_NOT_FOUND')) }),
      }),
      fails: ['life.destroy-twice', 'ref.none'],
    },
    'a destroyed key goes on signing': {
      breaks: () => {
        const unlocked = new Map<string, Key['sign']>();
        return {
          provider: ({ destroy, generate, open }) => ({
            generate: async (spec) => generate(spec),
            open: async (ref) => open(ref),
            destroy: async (ref) => {
              unlocked.set(ref, async () => new Uint8Array(70));
              await destroy(ref);
            },
          }),
          key: ({ ref, sign }) => ({
            sign: async (scheme, message) => unlocked.get(ref)?.(scheme, message) ?? sign(scheme, message),
          }),
        };
      },
      fails: ['life.destroyed-handle'],
    },
    'destroying one key takes another along': {
      breaks: () => ({
        provider: ({ destroy, list }) => ({
          destroy: async (ref) => {
            await destroy(ref);
            const other = (await list()).find(({ label }) => label === 'conformance');
            if (other !== undefined) await destroy(other.ref);
          },
        }),
      }),
      fails: ['life.destroy'],
    },
  });
});

describe('closing', () => {
  tryBroken({
    'close does nothing': {
      breaks: () => ({ provider: () => ({ close: async () => undefined }) }),
      fails: ['life.closed-key', 'life.closed-provider'],
    },
    'close leaves keys unlocked': {
      breaks: () => {
        const kept = new Map<string, Key['sign']>();
        return {
          key: ({ ref, sign }) => ({
            sign: async (scheme, message) => {
              kept.set(ref, sign);
              return sign(scheme, message).catch((error: unknown) => {
                if (isRefusal(error, 'PROVIDER_CLOSED')) return new Uint8Array(70);
                throw error;
              });
            },
          }),
        };
      },
      fails: ['life.closed-key'],
    },
    'close fails the second time': {
      breaks: () => ({
        provider: ({ close }) => {
          let closed = false;
          return {
            close: async () => {
              if (closed) throw new CountersignError('PROVIDER_CLOSED', 'it is closed', 'Leave it.');
              closed = true;
              await close();
            },
          };
        },
      }),
      fails: ['life.close-twice'],
    },
    'a file stays open': {
      breaks: () => ({
        provider: () => {
          leaked.files.push(openSync('/dev/null', 'r'));
          return {};
        },
      }),
      fails: ['resources.descriptors'],
    },
    'a timer stays': {
      breaks: () => ({
        provider: () => {
          leaked.timers.push(setInterval(() => undefined, 60_000));
          return {};
        },
      }),
      fails: ['resources.handles'],
    },
  });
});

const leaked = { files: new Array<number>(), timers: new Array<NodeJS.Timeout>() };
afterAll(() => {
  for (const file of leaked.files) closeSync(file);
  for (const timer of leaked.timers) clearInterval(timer);
});
