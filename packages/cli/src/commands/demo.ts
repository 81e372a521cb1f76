import { Command, Option } from '@commander-js/extra-typings';
import { demoProviders } from '../demo/user-keys.ts';
import { runDemo } from '../demo/run-demo.ts';
import { report } from '../terminal/report.ts';
import { demoText, tellStep } from '../demo/demo-view.ts';

export function demoCommand() {
  return new Command('demo')
    .addOption(
      new Option(
        '--provider <name>',
        "where the user's key lives (default: tpm, a software one, where swtpm is installed, else memory)",
      ).choices(demoProviders),
    )
    .addOption(
      new Option(
        '--algorithm <name>',
        'key algorithm (default: p256; with --full rsa2048, because the KDC of Samba takes RSA alone)',
      ).choices(['p256', 'rsa2048'] as const),
    )
    .option(
      '--full',
      'with a real directory and KDC: a Samba Active Directory domain, and MIT Kerberos (as root)',
    )
    .option('--out <dir>', 'leave the artifacts here (default: a new directory under the state directory)')
    .option(
      '--pin-file <file>',
      "the user's PIN (default: COUNTERSIGN_PIN, or a random one that nobody sees)",
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ countersign demo\n  $ countersign demo --algorithm rsa2048 --out artifacts --json\n  $ countersign demo --full --provider pkcs11',
    )
    .action((options) =>
      report(options, async (say) => {
        const summary = await runDemo(options, (step) => {
          say(tellStep(step));
        });
        return { text: demoText(summary), json: summary };
      }),
    );
}
