import { claimsKeyOrigin, type ClaimsKeyOrigin, type Key } from '@countersign/core';
import type { CaseContext } from '../case-context.ts';
import { contract, inArea } from '../conformance-case.ts';
import { check, Deviation, NotSupported } from '../deviation.ts';

export const originCases = inArea('origin', [
  {
    id: 'origin.form',
    title: 'claims of origin have the form of the contract',
    rule: 'Flags are true, false or undefined where the device does not say; the device’s names are texts.',
    source: contract.origin,
    run: async (context) => {
      const claims = await (await claiming(context)).originClaims();
      for (const flag of ['local', 'alwaysSensitive', 'neverExtractable'] as const) {
        check([true, false, undefined].includes(claims[flag]), `${flag} to be a flag`, typeof claims[flag]);
      }
      for (const name of ['manufacturer', 'model', 'serialNumber', 'firmwareVersion'] as const) {
        check(typeof claims[name] === 'string', `${name} to be a text`, typeof claims[name]);
      }
    },
  },
  {
    id: 'origin.generated',
    title: 'a key that generate made is not said to come from elsewhere',
    rule: 'local says that the device made the key itself; generate does nothing else.',
    source: `${contract.origin}; PKCS #11 3.1, 4.9 (CKA_LOCAL)`,
    run: async (context) => {
      const { local } = await (await claiming(context)).originClaims();
      if (local === false) throw new Deviation('local not to be false', 'it is');
    },
  },
  {
    id: 'origin.stable',
    title: 'claims stay the same',
    rule: 'Where a key came from does not change.',
    source: contract.origin,
    run: async (context) => {
      const key = await claiming(context);
      const [once, again] = [await key.originClaims(), await key.originClaims()];
      check(JSON.stringify(once) === JSON.stringify(again), 'the same claims twice', 'others');
    },
  },
]);

async function claiming(context: CaseContext): Promise<Key & ClaimsKeyOrigin> {
  const key = await context.make();
  if (claimsKeyOrigin(key)) return key;
  throw new NotSupported('keys claim no origin');
}
