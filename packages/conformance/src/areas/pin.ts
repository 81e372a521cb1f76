import { inspect } from 'node:util';
import { randomBytes } from 'node:crypto';
import type { Key, PinProtected } from '@countersign/core';
import { asProtected, type CaseContext } from '../case-context.ts';
import { contract, inArea } from '../conformance-case.ts';
import { check, checkSame, Deviation, expectRefusal } from '../deviation.ts';
import { withScheme } from '../shared-keys.ts';

const wrongPinRule = 'Errors of unlock: PIN_INCORRECT. The key stays locked.';

export const pinCases = inArea('pin', [
  {
    id: 'pin.generated-unlocked',
    title: 'a key made with a PIN comes back unlocked',
    rule: 'A key that needs a PIN comes back unlocked from generate.',
    source: contract.provider,
    run: async (context) => {
      const key = await context.makeProtected();
      check(!key.locked, 'an unlocked key', 'locked is true');
      await use(key);
    },
  },
  {
    id: 'pin.opened-locked',
    title: 'an opened key is locked and does not sign',
    rule: 'A key that needs a PIN comes back locked from open; sign is refused with PIN_REQUIRED.',
    source: `${contract.provider}; ${contract.key}`,
    run: async (context) => checkLocked(await opened(context)),
  },
  {
    id: 'pin.unlock',
    title: 'the right PIN unlocks',
    rule: 'unlock makes a locked key sign.',
    source: contract.pin,
    needs: ['pin.opened-locked'],
    run: async (context) => {
      const key = await opened(context);
      await key.unlock(context.pin);
      check(!key.locked, 'an unlocked key', 'locked is true');
      await use(key);
    },
  },
  {
    id: 'pin.lock',
    title: 'lock takes the use of a key away until it is unlocked again',
    rule: 'lock locks at once; to lock a locked key is no error.',
    source: contract.pin,
    run: async (context) => {
      const key = await context.makeProtected();
      key.lock();
      await checkLocked(key);
      key.lock();
      await checkLocked(key);
      await key.unlock(context.pin);
      await use(key);
    },
  },
  {
    id: 'pin.each-object',
    title: 'unlocking one key object unlocks no other',
    rule: 'The lock is the key object’s: whoever opened it anew gives the PIN anew.',
    source: contract.pin,
    needs: ['pin.generated-unlocked', 'pin.opened-locked', 'pin.lock'],
    run: async (context) => {
      const made = await context.makeProtected();
      const key = asProtected(await context.provider.open(made.ref));
      check(!made.locked, 'the made key to be unlocked', 'locked is true');
      await checkLocked(key);
      await key.unlock(context.pin);
      key.lock();
      await use(made);
    },
  },
  {
    id: 'pin.wrong',
    title: 'a wrong PIN is refused and leaves the key locked',
    rule: wrongPinRule,
    source: contract.pin,
    needs: ['pin.opened-locked'],
    run: async (context) => {
      const key = await opened(context);
      await refuseWrong(context, key, context.wrongPin);
      await checkLocked(key);
    },
  },
  {
    id: 'pin.near-misses',
    title: 'the beginning of the PIN, and the PIN with more behind it, are wrong',
    rule: wrongPinRule,
    source: contract.pin,
    needs: ['pin.wrong'],
    run: async (context) => {
      const key = await opened(context);
      await context.needsTries(key, 2);
      for (const pin of [context.pin.subarray(0, -1), Uint8Array.of(...context.pin, 0x31)]) {
        await expectRefusal(['PIN_INCORRECT', 'PIN_INVALID'], 'a PIN that is almost right', async () =>
          key.unlock(pin),
        );
        await checkLocked(key);
      }
    },
  },
  {
    id: 'pin.right-after-wrong',
    title: 'the right PIN unlocks after a wrong one',
    rule: 'A wrong PIN is counted, and no more than that.',
    source: contract.pin,
    needs: ['pin.wrong'],
    run: async (context) => {
      const key = await opened(context);
      await refuseWrong(context, key, context.wrongPin);
      await key.unlock(context.pin);
      await use(key);
    },
  },
  {
    id: 'pin.buffers',
    title: 'the caller may wipe PIN buffers as soon as the call returns',
    rule: 'The provider copies what it needs; the caller wipes its buffers.',
    source: `${contract.spec}; ${contract.pin}`,
    run: async (context) => {
      const pin = context.pin;
      const making = context.make({ pin });
      pin.fill(0);
      const key = asProtected(await making);
      key.lock();
      const again = context.pin;
      const unlocking = key.unlock(again);
      again.fill(0);
      await unlocking;
      await use(key);
    },
  },
  {
    id: 'pin.buffers-untouched',
    title: 'the provider leaves the caller’s PIN buffers as they are',
    rule: 'The caller wipes its buffers, and may use them for several calls before.',
    source: contract.pin,
    run: async (context) => {
      const pin = context.pin;
      const key = asProtected(await context.make({ pin }));
      checkSame(context.pin, pin, 'the PIN after generate');
      key.lock();
      await key.unlock(pin);
      checkSame(context.pin, pin, 'the PIN after unlock');
    },
  },
  {
    id: 'pin.not-in-errors',
    title: 'no error holds a PIN',
    rule: 'Neither message nor hint ever holds a PIN or key material; nor does a cause.',
    source: contract.errors,
    needs: ['pin.wrong'],
    run: async (context) => {
      const key = await opened(context);
      const text = Buffer.from(context.wrongPin).toString('utf8');
      const error = await refuseWrong(context, key, context.wrongPin);
      const shown = `${inspect(error, { depth: 8, showHidden: true })} ${error.message} ${error.hint}`;
      const asHex = Buffer.from(text).toString('hex');
      const asBuffer = asHex.replace(/(..)(?!$)/g, '$1 ');
      for (const secret of [text, asHex, asBuffer, Buffer.from(text).toString('base64')]) {
        if (shown.includes(secret))
          throw new Deviation('no PIN in the error', 'the wrong PIN that was given is in it');
      }
    },
  },
]);

/** A locked key, with a PIN, of this case alone. */
export async function opened(context: CaseContext): Promise<Key & PinProtected> {
  const made = await context.makeProtected();
  return asProtected(await context.provider.open(made.ref));
}

export async function use(key: Key): Promise<void> {
  await key.sign(withScheme(key).scheme, randomBytes(16));
}

export async function checkLocked(key: Key & PinProtected): Promise<void> {
  check(key.locked, 'a locked key', 'locked is false');
  await expectRefusal(['PIN_REQUIRED'], 'sign of a locked key', async () => use(key));
}

export async function refuseWrong(context: CaseContext, key: PinProtected, pin: Uint8Array) {
  await context.needsTries(key, 1);
  return expectRefusal(['PIN_INCORRECT'], 'a wrong PIN', async () => key.unlock(pin));
}
