import { Command } from '@commander-js/extra-typings';
import type { Key, KeyAlgorithm, KeyCustody } from '@countersign/core';
import { readCertificateFile } from '../files/input-files.ts';
import { unlockedIfWanted, withCustody } from '../keys/custody.ts';
import { completeUri, pinOfNewKey } from '../keys/provider-access.ts';
import { withPin, type PinOptions } from '../terminal/pin.ts';
import { report, table } from '../terminal/report.ts';
import { algorithmOption } from './algorithm-option.ts';
import { describeKey, keyText } from './key-view.ts';

export function keyCommand(): Command {
  const key = new Command('key');
  addGenerate(key);
  addList(key);
  addShow(key);
  addRotate(key);
  addInstall(key);
  for (const transition of transitions) addTransition(key, transition);
  addReconcile(key);
  return key;
}

function addGenerate(key: Command): void {
  key
    .command('generate')
    .description('generate a key pair guarded by a PIN')
    .option(...anyProvider)
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
        withCustody(options.provider, async (custody) => {
          const made = await withNewKeyPin(options, (spec) => custody.generate(spec));
          return { text: made.ref, json: describeKey(await custody.describe(made.ref)) };
        }),
      ),
    );
}

function addList(key: Command): void {
  key
    .command('list')
    .description('list the keys of a provider')
    .option(...anyProvider)
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ countersign key list --provider memory:')
    .action((options) =>
      report(options, () =>
        withCustody(options.provider, async (custody) => {
          const keys = (await custody.list()).map(describeKey);
          const lines = keys.map(
            ({ algorithm, state, label, ref }) => [`${algorithm}  ${state}`, `${ref}  ${label}`] as const,
          );
          return { text: lines.length === 0 ? '' : table(lines), json: { keys } };
        }),
      ),
    );
}

function addShow(key: Command): void {
  key
    .command('show')
    .description('show one key')
    .requiredOption(...oneKey)
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ countersign key show --provider memory:object=alice')
    .action((options) =>
      report(options, () =>
        withCustody(options.provider, async (custody) => {
          const found = describeKey(await custody.describe(completeUri(options.provider)));
          return { text: keyText(found), json: found };
        }),
      ),
    );
}

function addRotate(key: Command): void {
  key
    .command('rotate')
    .description('generate the key that is to take the place of another, which stays active until then')
    .requiredOption(...oneKey)
    .addOption(algorithmOption())
    .option('--label <label>', 'a name for people', '')
    .option('--pin-file <file>', 'read the new PIN from this file')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  $ countersign key rotate --provider memory:object=alice --label alice-2027',
    )
    .action((options) =>
      report(options, () =>
        withCustody(options.provider, async (custody) => {
          const made = await withNewKeyPin(options, (spec) =>
            custody.rotate(completeUri(options.provider), spec),
          );
          return { text: made.ref, json: describeKey(await custody.describe(made.ref)) };
        }),
      ),
    );
}

function addInstall(key: Command): void {
  key
    .command('install')
    .description('put a certificate beside its key: the key becomes active, the one it replaces deactivated')
    .requiredOption(...oneKey)
    .requiredOption('--cert <file>', 'the certificate, PEM or DER')
    .option(...pinIfWanted)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  $ countersign key install --provider memory:object=alice --cert alice.pem',
    )
    .action((options) =>
      report(options, () =>
        withCustody(options.provider, async (custody) => {
          const ref = completeUri(options.provider);
          const { der } = await readCertificateFile(options.cert);
          await unlockedIfWanted(custody, ref, options, () => custody.installCertificate(ref, der));
          const found = describeKey(await custody.describe(ref));
          return { text: `${found.ref} is ${found.state}`, json: found };
        }),
      ),
    );
}

interface Transition {
  readonly command: string;
  readonly description: string;
  readonly run: (custody: KeyCustody, ref: string, reason: string) => Promise<void>;
}

const transitions: readonly Transition[] = [
  {
    command: 'adopt',
    description: 'take a key that was made elsewhere into the records, in pre-activation',
    run: (custody, ref, reason) => custody.adopt(ref, reason),
  },
  {
    command: 'suspend',
    description: 'let a key sign nothing until it is resumed',
    run: (custody, ref, reason) => custody.suspend(ref, reason),
  },
  {
    command: 'resume',
    description: 'end a suspension',
    run: (custody, ref, reason) => custody.resume(ref, reason),
  },
  {
    command: 'deactivate',
    description: 'end the use of a key for good',
    run: (custody, ref, reason) => custody.deactivate(ref, reason),
  },
  {
    command: 'compromise',
    description: 'record that others may have had a key; revoke its certificates too',
    run: (custody, ref, reason) => custody.compromise(ref, reason),
  },
  {
    command: 'destroy',
    description: 'destroy one key for good, with the certificate beside it',
    run: (custody, ref, reason) => custody.destroy(ref, reason),
  },
];

function addTransition(key: Command, { command, description, run }: Transition): void {
  key
    .command(command)
    .description(description)
    .requiredOption(...oneKey)
    .option('--reason <words>', "why, for the key's history", 'by command')
    .option(...pinIfWanted)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `\nExample:\n  $ countersign key ${command} --provider memory:object=alice --reason "badge lost"`,
    )
    .action((options) =>
      report(options, () =>
        withCustody(options.provider, async (custody) => {
          const before = await custody.describe(completeUri(options.provider));
          await unlockedIfWanted(custody, before.ref, options, () =>
            run(custody, before.ref, options.reason),
          );
          const after = describeKey({ ...before, record: await custody.findRecord(before.keyId) });
          return { text: `${after.ref} is ${after.state}`, json: after };
        }),
      ),
    );
}

function addReconcile(key: Command): void {
  key
    .command('reconcile')
    .description('after a crash: make the records agree with the keys, and tell what needs a decision')
    .option(...anyProvider)
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ countersign key reconcile --provider memory:')
    .action((options) =>
      report(options, () =>
        withCustody(options.provider, async (custody) => {
          const found = await custody.reconcile();
          const lines = Object.entries(found).flatMap(([what, refs]: [string, readonly string[]]) =>
            refs.map((ref) => [what, ref] as const),
          );
          return { text: lines.length === 0 ? 'records and keys agree' : table(lines), json: { ...found } };
        }),
      ),
    );
}

interface NewKeyOptions extends PinOptions {
  readonly provider: string;
  readonly algorithm: KeyAlgorithm;
  readonly label: string;
}

async function withNewKeyPin(
  { provider, algorithm, label, pinFile }: NewKeyOptions,
  make: (spec: { algorithm: KeyAlgorithm; label: string; pin?: Uint8Array }) => Promise<Key>,
): Promise<Key> {
  const owner = pinOfNewKey(provider);
  if (owner === 'from its pin-source') return make({ algorithm, label });
  const isNew = owner === 'its own';
  return withPin(isNew ? 'the new key' : 'the token', { pinFile, twice: isNew }, (pin) =>
    make({ algorithm, label, pin }),
  );
}

const anyProvider = [
  '--provider <uri>',
  'where the keys live: memory:, tpm:, or pkcs11:token=…?module-path=…',
  'memory:',
] as const;
const pinIfWanted = [
  '--pin-file <file>',
  'read the PIN from this file, where the provider wants one',
] as const;
const oneKey = ['--provider <uri>', 'reference of the key, such as memory:object=alice'] as const;
