import { Command } from '@commander-js/extra-typings';
import { CountersignError, encodePem } from '@countersign/core';
import { changeUserPin } from '../provisioning/change-user-pin.ts';
import { readHelloConfig } from '../provisioning/hello-config.ts';
import { renewUser } from '../provisioning/renew-user.ts';
import { resetUser } from '../provisioning/reset-user.ts';
import { report } from '../terminal/report.ts';

export function helloCommand(): Command {
  const hello = new Command('hello');
  hello
    .command('change-pin')
    .description('change the PIN, as the policy wants it')
    .requiredOption('--config <file>', 'the settings, as provision takes them')
    .option('--pin-file <file>', 'the current PIN (default: COUNTERSIGN_PIN, or the terminal)')
    .option('--new-pin-file <file>', 'the new PIN (default: the terminal, twice)')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ countersign hello change-pin --config hello.json')
    .action((options) =>
      report(options, async () => {
        const { keyRef } = await changeUserPin(await readHelloConfig(options.config), options);
        return { text: 'The new PIN holds from now on.', json: { keyRef } };
      }),
    );
  hello
    .command('renew')
    .description('renew the certificate with the same key, if it is due')
    .requiredOption('--config <file>', 'the settings, as provision takes them')
    .option('--now', 'renew before it is due')
    .option('--pin-file <file>', "the key's PIN (default: COUNTERSIGN_PIN, or the terminal)")
    .option('--ca-pin-file <file>', "the CA key's PIN")
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ countersign hello renew --config hello.json')
    .action((options) =>
      report(options, async (say) => {
        const outcome = await renewUser(await readHelloConfig(options.config), {
          pin: { pinFile: options.pinFile },
          caPin: { pinFile: options.caPinFile },
          atOnce: options.now === true,
          tell: (step, what) => {
            say(`${step.padEnd(13)}  ${what}`);
          },
        });
        if (outcome.kind === 'not-due') {
          const dueAt = outcome.dueAt.toISOString();
          return { text: `The certificate is not due before ${dueAt}.`, json: { kind: outcome.kind, dueAt } };
        }
        const certificate = encodePem('CERTIFICATE', outcome.certificate);
        return { text: certificate, json: { kind: outcome.kind, certificate } };
      }),
    );
  hello
    .command('reset')
    .description('take away key, registration and certificate, for a user who forgot the PIN')
    .requiredOption('--config <file>', 'the settings, as provision takes them')
    .option('--yes', 'do it: nothing of this can be taken back')
    .option('--pin-file <file>', "the token's PIN, for tokens that destroy nothing without it")
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nCut off anywhere, it goes on when it is run again. Afterwards the user can be provisioned anew.\n\nExample:\n  $ countersign hello reset --config hello.json --yes',
    )
    .action((options) =>
      report(options, async (say) => {
        const config = await readHelloConfig(options.config);
        if (options.yes !== true) throw notConfirmed(config.upn);
        const outcome = await resetUser(config, {
          pinFile: options.pinFile,
          tell: (step, what) => {
            say(`${step.padEnd(13)}  ${what}`);
          },
        });
        return {
          text:
            outcome.kind === 'complete'
              ? 'All of it is gone.\nNext: countersign provision --config FILE'
              : 'There was nothing to take away.',
          json: outcome,
        };
      }),
    );
  return hello;
}

function notConfirmed(upn: string): CountersignError {
  return new CountersignError(
    'CONFIRMATION_MISSING',
    `a reset destroys the key of ${upn} for good`,
    'Say --yes if that is what you want.',
  );
}
