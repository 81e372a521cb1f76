import { randomBytes } from 'node:crypto';
import { isPinProtected } from '@countersign/core';
import { contract, inArea } from '../conformance-case.ts';
import { check, describeError, Deviation, isCountersignError } from '../deviation.ts';
import { withScheme } from '../shared-keys.ts';
import { checkVerifies } from '../signature-check.ts';

const rule = 'Calls may overlap: each gets its own result.';

export const concurrencyCases = inArea('concurrency', [
  {
    id: 'parallel.two-keys',
    title: 'signatures of two keys over two messages at once are each the right one',
    rule,
    source: contract.key,
    needs: ['life.usable-at-once'],
    run: async (context) => {
      const keys = [await context.make(), await context.make()];
      const messages = [randomBytes(100), randomBytes(3000)];
      const wanted = Array.from({ length: 6 }, () =>
        keys.flatMap((key) => messages.map((message) => ({ key, message }))),
      ).flat();
      const signed = await Promise.all(
        wanted.map(async ({ key, message }) => key.sign(withScheme(key).scheme, message)),
      );
      for (const [index, { key, message }] of wanted.entries()) {
        checkVerifies(key, withScheme(key).scheme, message, signed[index] ?? new Uint8Array());
      }
    },
  },
  {
    id: 'parallel.kinds',
    title: 'signatures of every kind at once are each the right one',
    rule,
    source: contract.key,
    needs: ['sign.first'],
    run: async (context) => {
      const kinds = await context.keys.ofEachFamily();
      const wanted = Array.from({ length: 3 }, () => kinds)
        .flat()
        .map(({ key, scheme }) => ({ key, scheme, message: randomBytes(200) }));
      const signed = await Promise.all(
        wanted.map(async ({ key, scheme, message }) => key.sign(scheme, message)),
      );
      for (const [index, { key, scheme, message }] of wanted.entries()) {
        checkVerifies(key, scheme, message, signed[index] ?? new Uint8Array());
      }
    },
  },
  {
    id: 'parallel.opened',
    title: 'one key opened many times at once signs as one',
    rule,
    source: contract.provider,
    needs: ['life.usable-at-once', 'life.open'],
    run: async (context) => {
      const made = await context.make();
      const message = randomBytes(50);
      const signatures = await Promise.all(
        Array.from({ length: 4 }, async () => {
          const key = await context.provider.open(made.ref);
          await context.unlock(key);
          return key.sign(withScheme(key).scheme, message);
        }),
      );
      for (const signature of signatures) checkVerifies(made, withScheme(made).scheme, message, signature);
    },
  },
  {
    id: 'parallel.generate',
    title: 'keys generated at once are all there, and all distinct',
    rule,
    source: contract.provider,
    run: async (context) => {
      const before = (await context.provider.list()).length;
      const made = await Promise.all(
        Array.from({ length: 4 }, async (_, at) => context.make({ label: `at once ${at}` })),
      );
      const keys = new Set(made.map(({ publicKey }) => Buffer.from(publicKey).toString('hex')));
      check(keys.size === 4, '4 distinct keys', `${keys.size}`);
      for (const [at, { label }] of made.entries())
        check(label === `at once ${at}`, `the label at once ${at}`, label);
      const listed = (await context.provider.list()).length;
      check(listed === before + 4, `${before + 4} keys in the list`, `${listed}`);
    },
  },
  {
    id: 'parallel.destroy',
    title: 'keys destroyed while others are generated are gone, and the others stay',
    rule,
    source: contract.provider,
    needs: ['life.destroy'],
    run: async (context) => {
      context.needsDestroying();
      const { provider } = context;
      const old = [await context.make(), await context.make(), await context.make()];
      const [made] = await Promise.all([
        Promise.all([context.make(), context.make()]),
        ...old.map(async ({ ref }) => provider.destroy(ref)),
      ]);
      const refs = new Set((await provider.list()).map(({ ref }) => ref));
      for (const { ref } of old) check(!refs.has(ref), 'the destroyed keys to be gone', `${ref} is there`);
      for (const { ref } of made) check(refs.has(ref), 'the made keys to be there', `${ref} is missing`);
    },
  },
  {
    id: 'parallel.destroy-one',
    title: 'of several who destroy one key at once, the others hear that it is not there',
    rule: 'A reference that matches no key is refused with KEY_NOT_FOUND.',
    source: contract.provider,
    needs: ['life.destroy'],
    run: async (context) => {
      context.needsDestroying();
      const { ref } = await context.make();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 3 }, async () => context.provider.destroy(ref)),
      );
      const done = outcomes.filter(({ status }) => status === 'fulfilled').length;
      check(done >= 1, 'one of them to do it', 'none did');
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') checkRefusedWith('KEY_NOT_FOUND', outcome.reason);
      }
      const refs = (await context.provider.list()).map((key) => key.ref);
      check(!refs.includes(ref), 'the key to be gone', 'it is still there');
    },
  },
  {
    id: 'parallel.lock',
    title: 'a key locked while it signs gives right signatures or none',
    rule: 'A signature in flight ends as a right one or with PIN_REQUIRED.',
    source: contract.pin,
    needs: ['sign.first', 'pin.lock'],
    run: async (context) => {
      const key = await context.makeProtected();
      const { scheme } = withScheme(key);
      const message = randomBytes(100);
      const signing = Promise.allSettled(Array.from({ length: 4 }, async () => key.sign(scheme, message)));
      key.lock();
      for (const outcome of await signing) {
        if (outcome.status === 'fulfilled') checkVerifies(key, scheme, message, outcome.value);
        else checkRefusedWith('PIN_REQUIRED', outcome.reason);
      }
    },
  },
  {
    id: 'parallel.close',
    title: 'a provider closed while keys sign gives right signatures or none',
    rule: 'close drops every unlocked key; a signature in flight ends as a right one or with PROVIDER_CLOSED.',
    source: contract.provider,
    needs: ['life.closed-key'],
    run: async (context) => {
      const provider = await context.open();
      const key = await context.make({}, provider);
      const { scheme } = withScheme(key);
      const message = randomBytes(100);
      const signing = Promise.allSettled(Array.from({ length: 4 }, async () => key.sign(scheme, message)));
      await Promise.all([provider.close(), provider.close()]);
      for (const outcome of await signing) {
        if (outcome.status === 'fulfilled') checkVerifies(key, scheme, message, outcome.value);
        else checkRefusedWith('PROVIDER_CLOSED', outcome.reason);
      }
      if (isPinProtected(key)) check(key.locked, 'the key to be locked', 'locked is false');
    },
  },
]);

function checkRefusedWith(code: string, reason: unknown): void {
  if (isCountersignError(reason) && reason.code === code) return;
  throw new Deviation(`a right result or ${code}`, describeError(reason), reason);
}
