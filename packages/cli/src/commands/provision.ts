import { Command } from '@commander-js/extra-typings';
import { encodePem } from '@countersign/core';
import type { ProvisioningOutcome, ProvisioningStep } from '@countersign/hello';
import { readHelloConfig } from '../provisioning/hello-config.ts';
import { runProvisioning } from '../provisioning/run-provisioning.ts';
import { report } from '../terminal/report.ts';

export function provisionCommand(): Command {
  const command = new Command('provision')
    .requiredOption('--config <file>', 'the settings (see packages/hello/README.md)')
    .option('--pin-file <file>', 'the PIN for the new key (default: COUNTERSIGN_PIN, or the terminal)')
    .option(
      '--code-file <file>',
      'the answer to the second factor (default: COUNTERSIGN_CODE, or the terminal)',
    )
    .option('--ca-pin-file <file>', "the CA key's PIN, where the settings name a site on this machine")
    .option('--ra-pin-file <file>', "the RA key's PIN, likewise")
    .option('--no-wait', 'end with "waiting" if the key is not synced yet, instead of trying again later')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Cut off anywhere, it goes on where it was when it is run again: one key, one registration, one certificate.
The settings, in JSON; paths go from the folder of the file:
  {"format": "countersign-hello", "version": 1, "upn": "alice@contoso.test", "stateDirectory": "hello",
   "keys": {"securityDevice": "tpm:", "software": "memory:", "algorithm": "rsa2048"},
   "policy": {"requireSecurityDevice": false, "pin": {"minimumPinLength": 6}},
   "services": {"site": "site"}}

Examples:
  $ countersign provision --config hello.json
  $ countersign provision --config hello.json --pin-file pin --code-file code --json`,
    )
    .action((options) =>
      report(options, async (say) => {
        const config = await readHelloConfig(options.config);
        const told: { readonly step: ProvisioningStep; readonly what: string }[] = [];
        const { outcome } = await runProvisioning(config, {
          caPin: { pinFile: options.caPinFile },
          raPin: { pinFile: options.raPinFile },
          input: options,
          waits: options.wait,
          tell: (step, what) => {
            told.push({ step, what });
            say(`${step.padEnd(13)}  ${what}`);
          },
          say,
        });
        return {
          text: outcomeText(outcome),
          json: { upn: config.upn, ...outcomeJson(outcome), steps: told },
        };
      }),
    );
  return command;
}

function outcomeText(outcome: ProvisioningOutcome): string {
  if (outcome.kind === 'complete') {
    return `The PIN can be used now. The key is ${outcome.keyRef}.\nNext: countersign signin --config FILE`;
  }
  return `The key is registered and has not been synced yet (attempts: ${outcome.attempts}).\nNext: run the same command again after the sync.`;
}

function outcomeJson(outcome: ProvisioningOutcome): Readonly<Record<string, unknown>> {
  if (outcome.kind === 'waiting') return outcome;
  const { kind, keyRef, certificate } = outcome;
  return { kind, keyRef, certificate: certificate && encodePem('CERTIFICATE', certificate) };
}
