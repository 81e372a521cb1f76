import { randomBytes } from 'node:crypto';
import type { KeyDescription } from '@countersign/core';
import type { CaseContext } from '../case-context.ts';
import { contract, inArea } from '../conformance-case.ts';
import { check, checkSame, expectRefusal } from '../deviation.ts';
import { withScheme } from '../shared-keys.ts';
import { checkVerifies } from '../signature-check.ts';

const labels = [
  '',
  'work',
  'Schlüssel für Zoë',
  '日本 🔑',
  'a;b?c&d=e%20/f',
  `quote " and ' and \\`,
  'line\nend',
];

export const lifeCycleCases = inArea('life-cycle', [
  {
    id: 'life.usable-at-once',
    title: 'a generated key signs at once',
    rule: 'The key is usable at once; a key that needs a PIN comes back unlocked.',
    source: contract.provider,
    needs: ['sign.first'],
    run: async (context) => {
      const key = await context.make();
      const { scheme } = withScheme(key);
      const message = randomBytes(20);
      checkVerifies(key, scheme, message, await key.sign(scheme, message));
    },
  },
  {
    id: 'life.list',
    title: 'list has each key once, as it was made',
    rule: 'list gives the description of every key.',
    source: contract.provider,
    run: async (context) => {
      const before = (await context.provider.list()).length;
      const made = [await context.make({ label: 'one' }), await context.make({ label: 'two' })];
      const listed = await context.provider.list();
      check(listed.length === before + 2, `${before + 2} keys in the list`, `${listed.length}`);
      for (const key of made) {
        const found = listed.filter(({ ref }) => ref === key.ref);
        check(found.length === 1, `${key.ref} once in the list`, `${found.length} times`);
        for (const one of found) checkDescription(key, one);
      }
    },
  },
  {
    id: 'life.open',
    title: 'open gives the key that the reference names',
    rule: 'A reference of generate and list matches this key alone.',
    source: contract.description,
    run: async (context) => {
      const made = [await context.make({ label: 'one' }), await context.make({ label: 'two' })];
      for (const key of made) checkDescription(key, await context.provider.open(key.ref));
    },
  },
  {
    id: 'life.label',
    title: 'labels are kept as they were given',
    rule: 'A name for people, in any script and with any punctuation; none is the empty one.',
    source: contract.spec,
    needs: ['life.open'],
    run: async (context) => {
      for (const label of labels) {
        const key = await context.make({ label });
        check(key.label === label, `the label ${JSON.stringify(label)}`, JSON.stringify(key.label));
        const opened = await context.provider.open(key.ref);
        check(
          opened.label === label,
          `the label ${JSON.stringify(label)} again`,
          JSON.stringify(opened.label),
        );
      }
    },
  },
  {
    id: 'life.label-shared',
    title: 'several keys may have one label',
    rule: 'A name for people; several keys may share it.',
    source: contract.spec,
    needs: ['life.open'],
    run: async (context) => {
      const twins = [await context.make({ label: 'twin' }), await context.make({ label: 'twin' })] as const;
      check(twins[0].ref !== twins[1].ref, 'two references', 'the same one twice');
      for (const twin of twins) checkDescription(twin, await context.provider.open(twin.ref));
    },
  },
  {
    id: 'life.destroy',
    title: 'a destroyed key is gone, and no other with it',
    rule: 'destroy destroys one key for good; a reference that matches no key is KEY_NOT_FOUND.',
    source: contract.provider,
    needs: ['life.usable-at-once'],
    run: async (context) => {
      context.needsDestroying();
      const { provider } = context;
      const [key, kept] = [await context.make(), await context.make()];
      await provider.destroy(key.ref);
      const refs = new Set((await provider.list()).map(({ ref }) => ref));
      check(!refs.has(key.ref), 'the destroyed key to be out of the list', 'it is still there');
      check(refs.has(kept.ref), 'the other key to stay', 'it is gone too');
      await expectRefusal(['KEY_NOT_FOUND'], 'open of a destroyed key', async () => provider.open(key.ref));
      await kept.sign(withScheme(kept).scheme, randomBytes(8));
    },
  },
  {
    id: 'life.destroy-twice',
    title: 'destroying a key twice is refused the second time',
    rule: 'A reference that matches no key is refused with KEY_NOT_FOUND.',
    source: contract.provider,
    needs: ['life.destroy'],
    run: async (context) => {
      context.needsDestroying();
      const { provider } = context;
      const key = await context.make();
      await provider.destroy(key.ref);
      await expectRefusal(['KEY_NOT_FOUND'], 'the second destroy', async () => provider.destroy(key.ref));
    },
  },
  {
    id: 'life.destroyed-handle',
    title: 'a destroyed key signs no more, wherever it is held',
    rule: 'destroy is for good: key objects in callers’ hands end with the key, with KEY_NOT_FOUND.',
    source: contract.provider,
    needs: ['life.destroy', 'life.open'],
    run: async (context) => {
      context.needsDestroying();
      const { provider } = context;
      const key = await context.make();
      const opened = await provider.open(key.ref);
      await provider.destroy(key.ref);
      for (const held of [key, opened]) {
        await expectRefusal(['KEY_NOT_FOUND'], 'sign of a destroyed key', async () =>
          held.sign(withScheme(held).scheme, randomBytes(8)),
        );
      }
    },
  },
  {
    id: 'life.reopened',
    title: 'another provider on the same store finds the key as it was',
    rule: 'Keys outlast the provider, with label, algorithm, schemes and public key.',
    source: contract.provider,
    needs: ['sign.first', 'life.open'],
    run: async (context) => {
      const maker = await context.openSame();
      const key = await context.make({ label: 'lasting' }, maker);
      const schemes = [...key.schemes];
      await context.shut(maker);
      const opened = await (await context.openSame()).open(key.ref);
      checkDescription(key, opened);
      check(
        schemes.join() === opened.schemes.join(),
        `the schemes ${schemes.join(', ')}`,
        opened.schemes.join(', '),
      );
      await signsAfterUnlock(context, opened);
    },
  },
  {
    id: 'life.two-providers',
    title: 'what one provider destroys, another on the same store no longer has',
    rule: 'The store is what counts, not what a provider remembers of it.',
    source: contract.provider,
    needs: ['life.destroy'],
    run: async (context) => {
      context.needsDestroying();
      const [one, other] = [await context.openSame(), await context.openSame()];
      const key = await context.make({}, one);
      await other.open(key.ref);
      await one.destroy(key.ref);
      const refs = (await other.list()).map(({ ref }) => ref);
      check(!refs.includes(key.ref), 'the key to be out of the other provider’s list', 'it is still there');
      await expectRefusal(['KEY_NOT_FOUND'], 'open of the destroyed key', async () => other.open(key.ref));
    },
  },
]);

export function checkDescription(expected: KeyDescription, found: KeyDescription): void {
  for (const field of ['ref', 'label', 'algorithm'] as const) {
    check(
      expected[field] === found[field],
      `the ${field} ${JSON.stringify(expected[field])}`,
      JSON.stringify(found[field]),
    );
  }
  checkSame(expected.publicKey, found.publicKey, 'the public key');
}

async function signsAfterUnlock(
  context: CaseContext,
  key: Awaited<ReturnType<CaseContext['make']>>,
): Promise<void> {
  await context.unlock(key);
  const { scheme } = withScheme(key);
  const message = randomBytes(30);
  checkVerifies(key, scheme, message, await key.sign(scheme, message));
}
