import { Command } from '@commander-js/extra-typings';
import { encodePem, PublicKey, type KeyDescription, type KeyProvider } from '@countersign/core';
import { KeyRecords } from '../keys/key-records.ts';
import { completeUri, openProvider } from '../keys/provider-access.ts';
import { withPin } from '../terminal/pin.ts';
import { report, table } from '../terminal/report.ts';
import { algorithmOption } from './algorithm-option.ts';

export function keyCommand(): Command {
  const key = new Command('key').description('keys and their states, wherever they live');
  key
    .command('generate')
    .description('generate a key pair guarded by a PIN')
    .option(...providerOption)
    .addOption(algorithmOption())
    .option('--label <label>', 'a name for people', '')
    .option('--pin-file <file>', 'read the new PIN from this file')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ countersign key generate --label alice\n  $ countersign key generate --algorithm rsa2048 --pin-file pin.txt',
    )
    .action((options) =>
      report(options, () =>
        withProvider(options.provider, async (provider) => {
          const made = await withPin('the new key', { ...options, twice: true }, (pin) =>
            provider.generate({ algorithm: options.algorithm, label: options.label, pin }),
          );
          await new KeyRecords().begin(keyIdOf(made), new Date());
          return { text: made.ref, json: await describe(made) };
        }),
      ),
    );
  key
    .command('list')
    .description('list the keys of a provider')
    .option(...providerOption)
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ countersign key list --provider memory:')
    .action((options) =>
      report(options, () =>
        withProvider(options.provider, async (provider) => {
          const keys = await Promise.all((await provider.list()).map(describe));
          const lines = keys.map(
            ({ algorithm, state, label, ref }) => [`${algorithm}  ${state}`, `${ref}  ${label}`] as const,
          );
          return { text: lines.length === 0 ? '' : table(lines), json: { keys } };
        }),
      ),
    );
  key
    .command('show')
    .description('show one key')
    .requiredOption('--provider <uri>', 'reference of the key, such as memory:object=alice')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ countersign key show --provider memory:object=alice')
    .action((options) =>
      report(options, () =>
        withProvider(options.provider, async (provider) => {
          const description = await describe(await provider.open(completeUri(options.provider)));
          const { ref, label, algorithm, state, keyId, history, publicKey } = description;
          const text = table([
            ['reference', ref],
            ['label', label],
            ['algorithm', algorithm],
            ['state', state],
            ['key id', `SHA-256 ${keyId}`],
            ...history.map(({ to, at, reason }) => ['history', `${at}  ${to} (${reason})`] as const),
          ]);
          return { text: text + publicKey, json: description };
        }),
      ),
    );
  key
    .command('destroy')
    .description('destroy one key for good, with the certificate beside it')
    .requiredOption('--provider <uri>', 'reference of the key, such as memory:object=alice')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ countersign key destroy --provider memory:object=alice')
    .action((options) =>
      report(options, () =>
        withProvider(options.provider, async (provider) => {
          const doomed = await provider.open(completeUri(options.provider));
          await provider.destroy(doomed.ref);
          await new KeyRecords().moveTo(keyIdOf(doomed), 'destroyed', new Date(), 'destroyed by command');
          return { text: `destroyed ${doomed.ref}`, json: await describe(doomed) };
        }),
      ),
    );
  return key;
}

const providerOption = ['--provider <uri>', 'where the keys live', 'memory:'] as const;

async function withProvider<T>(uri: string, use: (provider: KeyProvider) => Promise<T>): Promise<T> {
  const provider = await openProvider(uri);
  try {
    return await use(provider);
  } finally {
    await provider.close();
  }
}

interface DescribedKey {
  readonly ref: string;
  readonly label: string;
  readonly algorithm: string;
  readonly keyId: string;
  readonly state: string;
  readonly history: readonly { readonly to: string; readonly at: string; readonly reason: string }[];
  readonly publicKey: string;
}

async function describe(key: KeyDescription): Promise<DescribedKey> {
  const keyId = keyIdOf(key);
  const history = await new KeyRecords().find(keyId);
  return {
    ref: key.ref,
    label: key.label,
    algorithm: key.algorithm,
    keyId,
    state: history?.state ?? 'unrecorded',
    history: (history?.transitions ?? []).map(({ to, at, reason }) => ({ to, at: at.toISOString(), reason })),
    publicKey: encodePem('PUBLIC KEY', key.publicKey),
  };
}

function keyIdOf(key: KeyDescription): string {
  return PublicKey.parse(key.publicKey).keyId;
}
