import { Command } from '@commander-js/extra-typings';
import { checkPrerequisites, formatPrerequisites, prerequisiteEvent } from '@countersign/hello';
import { EventLog } from '../provisioning/event-log.ts';
import { readHelloConfig } from '../provisioning/hello-config.ts';
import { withOrganization } from '../provisioning/organization.ts';
import { probeDevice } from '../provisioning/probe-device.ts';
import { report } from '../terminal/report.ts';

export function prereqCommand(): Command {
  const command = new Command('prereq')
    .requiredOption('--config <file>', 'the settings, as provision takes them')
    .option('--ca-pin-file <file>', "the CA key's PIN, where the settings name a site on this machine")
    .option('--ra-pin-file <file>', "the RA key's PIN, likewise")
    .option('--event', 'print the event (358, 360 or 362) in place of the table')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Exit status 1 if provisioning will not be launched. The event goes to events.jsonl in the state directory.

Examples:
  $ countersign prereq --config hello.json
  $ countersign prereq --config hello.json --json`,
    )
    .action((options) =>
      report(options, async (say) => {
        const config = await readHelloConfig(options.config);
        const state = await withOrganization(
          config.services,
          {
            caPin: { pinFile: options.caPinFile },
            raPin: { pinFile: options.raPinFile },
            onFailure: (error) => {
              say(String(error));
            },
          },
          async (organization) => probeDevice(config, organization),
        );
        const result = checkPrerequisites(state);
        const event = prerequisiteEvent(state);
        await new EventLog(config.stateDirectory).write(event);
        if (result.result !== 'WillProvision') process.exitCode = 1;
        return {
          text: options.event === true ? event.message : formatPrerequisites(result),
          json: { ...result, event },
        };
      }),
    );
  return command;
}
