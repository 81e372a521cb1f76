import { CountersignError } from '@countersign/core';
import { describe } from 'vitest';
import { pins } from '../targets.ts';
import { isRefusal, recoded } from './refusals.ts';
import { tryBroken } from './try-broken.ts';

const right = Uint8Array.from(pins.pin);

describe('checking a PIN', () => {
  tryBroken({
    'any PIN unlocks': {
      breaks: () => ({ key: ({ unlock }) => ({ unlock: async () => unlock(right) }) }),
      fails: ['pin.wrong'],
    },
    'the beginning of the PIN unlocks': {
      breaks: () => ({
        key: ({ unlock }) => ({
          unlock: async (pin) => unlock(startsWith(right, pin) && pin.length >= 4 ? right : pin),
        }),
      }),
      fails: ['pin.near-misses'],
    },
    'more than the PIN unlocks': {
      breaks: () => ({
        key: ({ unlock }) => ({ unlock: async (pin) => unlock(startsWith(pin, right) ? right : pin) }),
      }),
      fails: ['pin.near-misses'],
    },
    'no PIN unlocks': {
      breaks: () => ({
        key: ({ unlock }) => ({ unlock: async (pin) => unlock(pin.length === 0 ? right : pin) }),
      }),
      fails: ['input.pin-empty'],
    },
    'a wrong PIN is refused, and unlocks all the same': {
      breaks: () => ({
        key: ({ unlock }) => ({
          unlock: async (pin) => {
            try {
              await unlock(pin);
            } catch (error) {
              if (isRefusal(error, 'PIN_INCORRECT')) await unlock(right);
              throw error;
            }
          },
        }),
      }),
      fails: ['pin.wrong'],
    },
    'a wrong PIN has the wrong code': {
      breaks: () => ({ key: ({ unlock }) => ({ unlock: recoded(unlock, 'PIN_INCORRECT', 'PIN_INVALID') }) }),
      fails: ['pin.wrong'],
    },
    'a wrong PIN is a plain Error': {
      breaks: () => ({
        key: ({ unlock }) => ({
          unlock: async (pin) => {
            try {
              await unlock(pin);
            } catch (error) {
              throw isRefusal(error, 'PIN_INCORRECT') ? new Error('wrong') : error;
            }
          },
        }),
      }),
      fails: ['pin.wrong'],
    },
    'a wrong PIN is in the error': {
      breaks: () => ({
        key: ({ unlock }) => ({
          unlock: async (pin) => {
            const text = Buffer.from(pin).toString();
            try {
              await unlock(pin);
            } catch (error) {
              if (!isRefusal(error, 'PIN_INCORRECT')) throw error;
              throw new CountersignError('PIN_INCORRECT', `${text} is wrong; ${error.message}`, error.hint);
            }
          },
        }),
      }),
      fails: ['pin.not-in-errors'],
    },
    'a wrong PIN is in the cause of the error': {
      breaks: () => ({
        key: ({ unlock }) => ({
          unlock: async (pin) => {
            const cause = { given: Buffer.from(pin) };
            try {
              await unlock(pin);
            } catch (error) {
              if (!isRefusal(error, 'PIN_INCORRECT')) throw error;
              throw new CountersignError('PIN_INCORRECT', error.message, error.hint, { cause });
            }
          },
        }),
      }),
      fails: ['pin.not-in-errors'],
    },
  });
});

describe('locking', () => {
  tryBroken({
    'lock does nothing': { breaks: () => ({ key: () => ({ lock: () => undefined }) }), fails: ['pin.lock'] },
    'lock locks what is shown, and not the key': {
      breaks: () => ({
        key: (key) => {
          let isShownLocked = key.locked;
          return {
            get locked() {
              return isShownLocked || key.locked;
            },
            lock: () => {
              isShownLocked = true;
            },
            unlock: async (pin) => {
              await key.unlock(pin);
              isShownLocked = false;
            },
          };
        },
      }),
      fails: ['pin.lock'],
    },
    'a key opens unlocked': {
      breaks: () => ({
        provider: ({ open }) => ({
          open: async (ref) => {
            const key = await open(ref);
            if ('unlock' in key && typeof key.unlock === 'function')
              await Reflect.apply(key.unlock, key, [right]);
            return key;
          },
        }),
      }),
      fails: ['pin.opened-locked'],
    },
    'a generated key is locked': {
      breaks: () => ({
        provider: ({ generate }) => ({
          generate: async (spec) => {
            const key = await generate(spec);
            if ('lock' in key && typeof key.lock === 'function') Reflect.apply(key.lock, key, []);
            return key;
          },
        }),
      }),
      fails: ['life.usable-at-once', 'pin.generated-unlocked'],
    },
    'a locked key says that the PIN is wrong': {
      breaks: () => ({ key: ({ sign }) => ({ sign: recoded(sign, 'PIN_REQUIRED', 'PIN_INCORRECT') }) }),
      fails: ['pin.lock', 'pin.opened-locked'],
    },
  });
});

function startsWith(whole: Uint8Array, start: Uint8Array): boolean {
  return Buffer.compare(whole.subarray(0, start.length), start) === 0;
}
