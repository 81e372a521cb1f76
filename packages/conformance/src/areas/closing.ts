import { randomBytes } from 'node:crypto';
import { isCertificateStore, isPinProtected } from '@countersign/core';
import { contract, inArea } from '../conformance-case.ts';
import { check, expectRefusal } from '../deviation.ts';
import { withScheme } from '../shared-keys.ts';

export const closingCases = inArea('life-cycle', [
  {
    id: 'life.close-twice',
    title: 'a provider may be closed twice',
    rule: 'close is safe to call twice.',
    source: contract.provider,
    run: async (context) => {
      const provider = await context.open();
      await provider.close();
      await provider.close();
    },
  },
  {
    id: 'life.closed-provider',
    title: 'a closed provider does nothing more',
    rule: 'close releases what the provider holds; every call after it is refused with PROVIDER_CLOSED.',
    source: contract.provider,
    needs: ['life.close-twice'],
    run: async (context) => {
      const provider = await context.open();
      const { ref } = await context.make({}, provider);
      const spec = { algorithm: context.algorithm, ...(context.target.pin && { pin: context.pin }) };
      await provider.close();
      const uses: [string, () => Promise<unknown>][] = [
        ['generate', async () => provider.generate(spec)],
        ['open', async () => provider.open(ref)],
        ['list', async () => provider.list()],
      ];
      if (context.target.allowDestructive !== false)
        uses.push(['destroy', async () => provider.destroy(ref)]);
      if (isCertificateStore(provider)) {
        uses.push(['getCertificate', async () => provider.getCertificate(ref)]);
        uses.push(['listCertificates', async () => provider.listCertificates()]);
      }
      for (const [name, use] of uses) await expectRefusal(['PROVIDER_CLOSED'], `${name} after close`, use);
    },
  },
  {
    id: 'life.closed-key',
    title: 'keys of a closed provider sign no more and are locked',
    rule: 'close drops every unlocked key.',
    source: contract.provider,
    needs: ['life.usable-at-once', 'life.close-twice'],
    run: async (context) => {
      const provider = await context.open();
      const key = await context.make({}, provider);
      const again = await provider.open(key.ref);
      await provider.close();
      for (const held of [key, again]) {
        await expectRefusal(['PROVIDER_CLOSED'], 'sign after close', async () =>
          held.sign(withScheme(held).scheme, randomBytes(8)),
        );
        if (!isPinProtected(held)) continue;
        check(held.locked, 'the key to be locked', 'locked is false');
        await expectRefusal(['PROVIDER_CLOSED'], 'unlock after close', async () => held.unlock(context.pin));
      }
    },
  },
  {
    id: 'life.closed-alone',
    title: 'closing one provider leaves another on the same store at work',
    rule: 'close releases what this provider holds.',
    source: contract.provider,
    needs: ['life.usable-at-once', 'life.close-twice'],
    run: async (context) => {
      const [first, second] = [await context.openSame(), await context.openSame()];
      const key = await context.make({}, second);
      await first.close();
      await key.sign(withScheme(key).scheme, randomBytes(8));
      await second.open(key.ref);
    },
  },
]);
