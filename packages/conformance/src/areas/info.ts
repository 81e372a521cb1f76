import { isKeyAlgorithm, schemesOf, keyAlgorithms, type KeyAlgorithm } from '@countersign/core';
import { contract, inArea, type ConformanceCase } from '../conformance-case.ts';
import { check, NotSupported, Skipped } from '../deviation.ts';

export const infoCases = inArea('info', [
  {
    id: 'info.scheme',
    title: 'info.scheme is a URI scheme in lower case',
    rule: 'The scheme is a letter followed by letters, digits, "+", "-" or "."; producers write lower case.',
    source: 'RFC 3986 3.1; ProviderInfo.scheme',
    run: async ({ provider }) => {
      const { scheme } = provider.info;
      check(/^[a-z][a-z0-9+.-]*$/.test(scheme), 'a URI scheme without its colon', JSON.stringify(scheme));
    },
  },
  {
    id: 'info.texts',
    title: 'info says what the provider is and what destroying does',
    rule: 'An auditor reads beside a destroyed key what was done to it and what may be left.',
    source: 'SP 800-57 part 1 rev. 5, 8.3.4; ProviderInfo.destruction',
    run: async ({ provider }) => {
      const { description, destruction } = provider.info;
      for (const [name, text] of Object.entries({ description, destruction })) {
        check(
          typeof text === 'string' && text.trim() !== '',
          `info.${name} to say something`,
          'an empty text',
        );
      }
    },
  },
  {
    id: 'info.algorithms',
    title: 'info.algorithms are known ones, each once',
    rule: 'What `generate` takes, best first.',
    source: contract.info,
    run: async ({ provider }) => {
      const { algorithms } = provider.info;
      check(algorithms.length > 0, 'at least one algorithm', 'none');
      for (const name of algorithms) {
        check(isKeyAlgorithm(name), `algorithms out of ${keyAlgorithms.join(', ')}`, JSON.stringify(name));
      }
      check(new Set(algorithms).size === algorithms.length, 'each algorithm once', algorithms.join(', '));
    },
  },
]);

export const algorithmCases = inArea('algorithms', keyAlgorithms.map(algorithmCase));

function algorithmCase(algorithm: KeyAlgorithm): Omit<ConformanceCase, 'area'> {
  return {
    id: `algorithm.${algorithm}`,
    title: `makes ${algorithm} keys, with schemes that such keys have`,
    rule: 'A stated algorithm can be generated; the key says its algorithm and the schemes it signs with.',
    source: `${contract.info}; ${contract.key}`,
    run: async ({ provider, keys, target }) => {
      if (!provider.info.algorithms.includes(algorithm)) {
        throw new NotSupported(`the provider does not state ${algorithm}`);
      }
      if (target.skipAlgorithms?.includes(algorithm) === true) {
        throw new Skipped(`the target leaves ${algorithm} out`);
      }
      const key = await keys.of(algorithm);
      check(key.algorithm === algorithm, `a ${algorithm} key`, key.algorithm);
      const possible = schemesOf(algorithm);
      check(key.schemes.length > 0, 'at least one scheme', 'none');
      for (const scheme of key.schemes) {
        check(possible.includes(scheme), `schemes out of ${possible.join(', ')}`, scheme);
      }
      check(new Set(key.schemes).size === key.schemes.length, 'each scheme once', key.schemes.join(', '));
    },
  };
}
