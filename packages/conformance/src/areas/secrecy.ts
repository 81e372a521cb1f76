import { inspect } from 'node:util';
import { PublicKey, type Key, type KeyProvider } from '@countersign/core';
import type { CaseContext } from '../case-context.ts';
import { contract, inArea } from '../conformance-case.ts';
import { Deviation, NotSupported } from '../deviation.ts';
import { PrivateKeyFinder } from '../private-key-finder.ts';
import { memberNames, reachableValues } from '../reachable-values.ts';

const rule =
  'A key signs; nothing that a caller can reach from it, or from its provider, is the private key.';
const source = `${contract.key}; SP 800-57 part 1 rev. 5, 5.3.3`;

export const secrecyCases = inArea('secrecy', [
  {
    id: 'secrecy.members',
    title: 'no member of key or provider is a private key or leads to one',
    rule,
    source,
    needs: ['public.spki'],
    run: async (context) => {
      for (const { root, name, finder } of await rootsOf(context)) {
        for (const { path, value } of reachableValues(root, name)) {
          const found = finder.recognize(value);
          if (found !== undefined)
            throw new Deviation('no private key among the members', `${found} at ${path}`);
        }
      }
    },
  },
  {
    id: 'secrecy.methods',
    title: 'no method beside the contract hands a private key out',
    rule,
    source,
    needs: ['public.spki'],
    run: async (context) => {
      for (const { root, name, finder, key } of await rootsOf(context)) {
        for (const method of exportingMethods(root)) {
          for (const value of await resultsOf(root, method, key)) {
            const found = finder.recognize(value) ?? finder.recognizeIn(jsonOf(value));
            if (found !== undefined) {
              throw new Deviation('no private key from any method', `${found} from ${name}.${method}()`);
            }
          }
        }
      }
    },
  },
  {
    id: 'secrecy.json',
    title: 'JSON.stringify of key and provider holds no private key',
    rule,
    source,
    needs: ['public.spki'],
    run: async (context) => {
      for (const { root, name, finder } of await rootsOf(context)) {
        const found = finder.recognizeIn(jsonOf(root));
        if (found !== undefined) throw new Deviation(`no private key in the JSON of the ${name}`, found);
      }
    },
  },
  {
    id: 'secrecy.inspect',
    title: 'util.inspect of key and provider shows no private key',
    rule: `${rule} Logs are written with util.inspect.`,
    source,
    needs: ['public.spki'],
    run: async (context) => {
      for (const { root, name, finder } of await rootsOf(context)) {
        for (const showHidden of [false, true]) {
          const shown = inspect(root, { depth: 6, showHidden, maxArrayLength: 200, maxStringLength: 20_000 });
          const found = finder.recognizeIn(shown);
          if (found !== undefined)
            throw new Deviation(`no private key in what is shown of the ${name}`, found);
        }
      }
    },
  },
  {
    id: 'secrecy.pin',
    title: 'no member of key or provider is the PIN',
    rule: 'A provider that has to keep the PIN of an unlocked key keeps it where no caller reaches it.',
    source: contract.pin,
    needs: ['public.spki'],
    run: async (context) => {
      if (context.target.pin === undefined) throw new NotSupported('the target has no PIN');
      const text = Buffer.from(context.pin).toString('utf8');
      for (const { root, name } of await rootsOf(context)) {
        for (const { path, value } of reachableValues(root, name)) {
          const isPin =
            value === text || (value instanceof Uint8Array && Buffer.compare(value, context.pin) === 0);
          if (isPin) throw new Deviation('the PIN nowhere among the members', `it is at ${path}`);
        }
      }
    },
  },
]);

interface SearchedObject {
  readonly root: Key | KeyProvider;
  readonly name: string;
  readonly key: Key;
  readonly finder: PrivateKeyFinder;
}

/** Unlocked keys, used once, as that is when a private key would be at hand; one of each kind. */
async function rootsOf({ provider, keys }: CaseContext): Promise<readonly SearchedObject[]> {
  const roots: SearchedObject[] = [];
  for (const { key, scheme } of await keys.ofEachFamily()) {
    await key.sign(scheme, new Uint8Array(16));
    const finder = new PrivateKeyFinder(PublicKey.parse(key.publicKey));
    roots.push({ root: key, name: `${key.algorithm} key`, key, finder });
    roots.push({ root: provider, name: 'provider', key, finder });
  }
  return roots;
}

function exportingMethods(root: object): readonly string[] {
  return [...memberNames(root)].flatMap((name) =>
    typeof name === 'string' &&
    /private|secret|export|extract|pkcs8|jwk|pem|tojson|serialize|dump/i.test(name)
      ? [name]
      : [],
  );
}

/** Without arguments, and with a reference: a provider's own method for wrapped keys may stay what it is. */
async function resultsOf(root: object, method: string, { ref }: Key): Promise<readonly unknown[]> {
  const results: unknown[] = [];
  for (const args of [[], [ref]]) {
    try {
      const member: unknown = Reflect.get(root, method);
      if (typeof member === 'function')
        results.push(await Promise.resolve(Reflect.apply(member, root, args)));
    } catch {
      // A method that refuses gives nothing away.
    }
  }
  return results;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    // Circles and bigints have no JSON: nothing is given away.
    return '';
  }
}
