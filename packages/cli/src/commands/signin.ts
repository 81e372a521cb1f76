import { Command } from '@commander-js/extra-typings';
import { readHelloConfig } from '../provisioning/hello-config.ts';
import { runSignIn } from '../provisioning/run-sign-in.ts';
import { report, table } from '../terminal/report.ts';

export function signinCommand(): Command {
  const command = new Command('signin')
    .requiredOption('--config <file>', 'the settings, as provision takes them, with "signIn"')
    .option('--user <name>', 'name of the user in the realm (default: the UPN)')
    .option('--cache <file>', 'write the ticket here (default: that of the settings, or of KRB5CCNAME)')
    .option('--pin-file <file>', "the key's PIN (default: COUNTERSIGN_PIN, or the terminal)")
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The part of the settings that it takes:
   "signIn": {"realm": "CONTOSO.TEST", "kdc": {"host": "dc1.contoso.test"}, "trustAnchors": ["ca.pem"]}

Examples:
  $ countersign signin --config hello.json --cache /tmp/krb5cc_alice
  $ KRB5CCNAME=FILE:/tmp/krb5cc_alice klist`,
    )
    .action((options) =>
      report(options, async () => {
        const config = await readHelloConfig(options.config);
        const { ticket, cache } = await runSignIn(config, options);
        const facts = {
          client: ticket.client,
          server: ticket.server,
          validUntil: ticket.endTime.toISOString(),
          cache,
        };
        return {
          text: `${table(Object.entries(facts))}\nNext: export KRB5CCNAME=FILE:${cache}\n`,
          json: { ...facts, agreement: ticket.agreement },
        };
      }),
    );
  return command;
}
