import { setTimeout as delay } from 'node:timers/promises';
import { CountersignError } from '@countersign/core';
import { describe } from 'vitest';
import { pins } from '../targets.ts';
import { isRefusal } from './refusals.ts';
import { tryBroken } from './try-broken.ts';

const right = Uint8Array.from(pins.pin);

describe('counting', () => {
  tryBroken({
    'wrong PINs are not counted': {
      breaks: () => ({
        key: ({ unlock }) => ({
          unlock: async (pin) => {
            if (Buffer.compare(pin, right) === 0 || Buffer.compare(pin, pins.wrongPin) !== 0)
              return unlock(pin);
            throw new CountersignError('PIN_INCORRECT', 'the PIN is wrong; 32 tries are left', 'Try again.');
          },
        }),
      }),
      fails: ['lockout.locks', 'pin.retries', 'pin.retries-told'],
    },
    'the count rises with a wrong PIN': {
      breaks: () => {
        let wrong = 0;
        return {
          key: ({ unlock, retriesLeft }) => ({
            unlock: async (pin) => {
              if (Buffer.compare(pin, pins.wrongPin) === 0) wrong += 2;
              await unlock(pin);
            },
            retriesLeft: async () => (await retriesLeft()) + wrong,
          }),
        };
      },
      fails: ['lockout.locks', 'pin.retries', 'pin.retries-told'],
    },
    'the right PIN makes wrong ones forgotten': {
      breaks: () => {
        let forgiven = 0;
        return {
          key: ({ unlock, retriesLeft }) => ({
            unlock: async (pin) => {
              await unlock(pin);
              forgiven = 32 - (await retriesLeft());
            },
            retriesLeft: async () => (await retriesLeft()) + forgiven,
          }),
        };
      },
      fails: ['lockout.locks', 'pin.retries-after-right', 'pin.retries-told'],
    },
    'the right PIN is counted': {
      breaks: () => {
        let counted = 0;
        return {
          key: ({ unlock, retriesLeft }) => ({
            unlock: async (pin) => {
              await unlock(pin);
              counted += 1;
            },
            retriesLeft: async () => Math.max(3, (await retriesLeft()) - counted),
          }),
        };
      },
      fails: ['lockout.locks', 'pin.retries-after-right', 'pin.retries-told', 'pin.right-costs-nothing'],
    },
    'the tries that are left are not told': {
      breaks: () => ({
        key: ({ unlock }) => ({
          unlock: async (pin) => {
            try {
              await unlock(pin);
            } catch (error) {
              if (!isRefusal(error, 'PIN_INCORRECT')) throw error;
              throw new CountersignError('PIN_INCORRECT', 'that PIN is wrong', 'Give the right one.');
            }
          },
        }),
      }),
      fails: ['pin.retries-told'],
    },
    'the right PIN unlocks after the last try': {
      breaks: () => ({
        key: (key) => {
          let isOpen = false;
          return {
            get locked() {
              return !isOpen && key.locked;
            },
            unlock: async (pin) => {
              try {
                await key.unlock(pin);
              } catch (error) {
                if (!isRefusal(error, 'PIN_LOCKED') || Buffer.compare(pin, right) !== 0) throw error;
                isOpen = true;
              }
            },
          };
        },
      }),
      fails: ['lockout.locks'],
    },
  });
});

describe('changing a PIN', () => {
  tryBroken({
    'changePin does nothing': {
      breaks: () => ({ key: () => ({ changePin: async () => undefined }) }),
      fails: ['pin.change'],
    },
    'changePin asks for no PIN': {
      breaks: () => ({
        key: ({ changePin }) => ({
          changePin: async (current, next) =>
            changePin(Buffer.compare(current, pins.wrongPin) === 0 ? right : current, next),
        }),
      }),
      fails: ['pin.change-wrong-current'],
    },
    'the old PIN stays good': {
      breaks: () => ({
        key: ({ unlock }) => ({
          unlock: async (pin) => {
            try {
              await unlock(pin);
            } catch (error) {
              if (Buffer.compare(pin, right) !== 0 || !isRefusal(error, 'PIN_INCORRECT')) throw error;
              await unlock(pins.otherPin);
            }
          },
        }),
      }),
      fails: ['pin.change'],
    },
  });
});

describe('buffers', () => {
  tryBroken({
    'PINs are read late': {
      breaks: () => ({
        key: ({ unlock, changePin }) => ({
          unlock: async (pin) => {
            await delay(1);
            await unlock(pin);
          },
          changePin: async (current, next) => {
            await delay(1);
            await changePin(current, next);
          },
        }),
      }),
      fails: ['pin.buffers', 'pin.change-buffers'],
    },
    'the caller’s PIN is wiped': {
      breaks: () => ({
        provider: ({ generate }) => ({
          generate: async (spec) => {
            const made = generate(spec);
            spec.pin?.fill(0);
            return made;
          },
        }),
      }),
      fails: ['pin.buffers-untouched'],
    },
    'the PIN is kept in a member': {
      breaks: () => ({ extra: () => ({ session: { state: new Map([['auth', Uint8Array.from(right)]]) } }) }),
      fails: ['secrecy.pin'],
    },
    'a PIN that is no text is taken': {
      breaks: () => ({
        key: ({ changePin }) => ({
          changePin: async (current, next) => (next.includes(0xff) ? undefined : changePin(current, next)),
        }),
      }),
      fails: ['input.pin-not-text'],
    },
  });
});
