import { isCertificateStore, type ErrorCode, type KeyProvider } from '@countersign/core';
import type { CaseContext } from '../case-context.ts';
import { contract, inArea } from '../conformance-case.ts';
import { check, expectRefusal, isCountersignError, NotSupported } from '../deviation.ts';
import { checkDescription } from './life-cycle.ts';

const uri = 'RFC 7512 2.3; RFC 3986 2.1, 3';

export const referenceCases = inArea('references', [
  {
    id: 'ref.form',
    title: 'references are URIs of the provider’s scheme',
    rule: 'Key references are URIs: the scheme, a colon, and printable ASCII without spaces.',
    source: `${contract.provider}; ${uri}`,
    run: async (context) => {
      const { ref } = await context.make({ label: 'with space, ü and ;' });
      const prefix = `${context.provider.info.scheme}:`;
      check(ref.startsWith(prefix), `a reference that begins with ${prefix}`, ref);
      check(/^[\x21-\x7e]+$/.test(ref), 'printable ASCII', JSON.stringify(ref));
    },
  },
  {
    id: 'ref.distinct',
    title: 'no two keys have one reference',
    rule: 'A reference that matches this key alone.',
    source: contract.description,
    run: async (context) => {
      const refs = [await context.make(), await context.make(), await context.make()].map(({ ref }) => ref);
      check(new Set(refs).size === 3, '3 references', refs.join(', '));
    },
  },
  {
    id: 'ref.none',
    title: 'a reference that matches no key is KEY_NOT_FOUND',
    rule: 'A reference that matches no key is refused with KEY_NOT_FOUND, which says that the place was looked at.',
    source: contract.provider,
    needs: ['life.destroy'],
    run: async (context) => {
      context.needsDestroying();
      const { provider } = context;
      const { ref } = await context.make();
      await provider.destroy(ref);
      await refuseEverywhere(context, ref, ['KEY_NOT_FOUND']);
    },
  },
  {
    id: 'ref.malformed',
    title: 'what is no reference is KEY_REFERENCE_MALFORMED',
    rule: 'References are parsed strictly; other text is refused before any key is looked for.',
    source: `KEY_REFERENCE_MALFORMED (core, errors.ts); ${uri}`,
    run: async (context) => {
      const { scheme } = context.provider.info;
      for (const text of [
        '',
        scheme,
        `${scheme}:%`,
        `${scheme}:object=%zz`,
        `${scheme}:object=a b`,
        `${scheme}:\n`,
      ]) {
        await refuseEverywhere(context, text, ['KEY_REFERENCE_MALFORMED']);
      }
    },
  },
  {
    id: 'ref.foreign',
    title: 'a reference of another scheme is refused',
    rule: 'A reference to a place that this provider does not have is never taken for a key of its own.',
    source: contract.provider,
    run: async (context) => {
      await context.make();
      const foreign = ['foreign:', 'foreign:object=conformance', `x${context.provider.info.scheme}:`];
      for (const text of foreign) await refuseEverywhere(context, text, elsewhere);
    },
  },
  {
    id: 'ref.elsewhere',
    title: 'a reference to another place of this scheme is refused as such',
    rule: 'A reference to a place that this provider does not have: KEY_HELD_ELSEWHERE, or TOKEN_NOT_PRESENT.',
    source: contract.provider,
    run: async (context) => {
      const { referenceElsewhere } = context.target;
      if (referenceElsewhere === undefined) throw new NotSupported('the target names no such reference');
      await context.make();
      await refuseEverywhere(context, referenceElsewhere, ['KEY_HELD_ELSEWHERE', 'TOKEN_NOT_PRESENT']);
    },
  },
  {
    id: 'ref.label',
    title: 'a label finds its key, and another label none',
    rule: 'A reference matches the keys that have all that it names.',
    source: `${contract.provider}; ${uri}`,
    needs: ['life.open'],
    run: async (context) => {
      const label = `one; of ${Date.now()} & ü`;
      const key = await context.make({ label });
      await context.make({ label: 'another' });
      checkDescription(key, await openByLabel(context, label));
      await expectRefusal(['KEY_NOT_FOUND'], 'open with a label that no key has', async () =>
        context.provider.open(byLabel(context, `${label} not`)),
      );
    },
  },
  {
    id: 'ref.ambiguous',
    title: 'a reference that matches several keys is KEY_AMBIGUOUS',
    rule: 'One that matches several is refused with KEY_AMBIGUOUS: no key is chosen silently, for anything.',
    source: contract.provider,
    needs: ['ref.label', 'life.label-shared'],
    run: async (context) => {
      const label = `twin ${Date.now()}`;
      const twins = [await context.make({ label }), await context.make({ label })];
      await refuseEverywhere(context, byLabel(context, label), ['KEY_AMBIGUOUS']);
      for (const twin of twins) checkDescription(twin, await context.provider.open(twin.ref));
    },
  },
]);

const elsewhere: readonly ErrorCode[] = [
  'KEY_REFERENCE_MALFORMED',
  'KEY_HELD_ELSEWHERE',
  'TOKEN_NOT_PRESENT',
];

/** By open, destroy and the certificate calls alike. */
async function refuseEverywhere(
  { provider, target }: CaseContext,
  ref: string,
  codes: readonly ErrorCode[],
): Promise<void> {
  const uses: [string, () => Promise<unknown>][] = [['open', async () => provider.open(ref)]];
  if (target.allowDestructive !== false) uses.push(['destroy', async () => provider.destroy(ref)]);
  if (isCertificateStore(provider)) {
    uses.push(['getCertificate', async () => provider.getCertificate(ref)]);
    uses.push(['removeCertificate', async () => provider.removeCertificate(ref)]);
  }
  for (const [name, use] of uses) await expectRefusal(codes, `${name}(${JSON.stringify(ref)})`, use);
}

function byLabel({ target, provider }: CaseContext, label: string): string {
  if (target.referenceByLabel !== undefined) return target.referenceByLabel(label);
  const encoded = encodeURIComponent(label).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${provider.info.scheme}:object=${encoded}`;
}

async function openByLabel(context: CaseContext, label: string): ReturnType<KeyProvider['open']> {
  try {
    return await context.provider.open(byLabel(context, label));
  } catch (error) {
    const isUnknown = isCountersignError(error) && error.code === 'KEY_REFERENCE_MALFORMED';
    if (!isUnknown || context.target.referenceByLabel !== undefined) throw error;
    throw new NotSupported('the provider has no references by label', { cause: error });
  }
}
