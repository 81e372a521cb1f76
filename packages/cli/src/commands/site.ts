import { Command, Option } from '@commander-js/extra-typings';
import { joinDevice } from '../provisioning/device.ts';
import { readHelloConfig } from '../provisioning/hello-config.ts';
import { initSite } from '../site/init-site.ts';
import { openSite, withSite } from '../site/run-site.ts';
import { withSiteSync } from '../site/sync-site.ts';
import { report, table } from '../terminal/report.ts';
import { untilInterrupted } from '../terminal/until-interrupted.ts';

export function siteCommand(): Command {
  const site = new Command('site');
  site
    .command('init')
    .description('make a site around a CA and its RA')
    .requiredOption('--dir <dir>', 'the new site; must not exist or be empty')
    .requiredOption('--ca <dir>', 'the CA')
    .requiredOption('--ra <dir>', 'the RA, whose directory of users is the one on premises')
    .requiredOption('--cloud <dir>', "the cloud's directory of users")
    .option('--ra-pin-file <file>', "read the RA key's PIN from this file")
    .option('--no-receipts', 'let keys wait for the sync: no synchronous enrollment')
    .addOption(
      new Option('--sync-minutes <n>', 'from one sync to the next')
        .default(30)
        .argParser((text) => Number(text)),
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ countersign site init --dir site --ca ca --ra ra --cloud cloud')
    .action((options) =>
      report(options, async () => {
        const config = await initSite(options.dir, {
          ...options,
          raPin: { pinFile: options.raPinFile },
          synchronousEnrollment: options.receipts,
          syncIntervalMinutes: options.syncMinutes,
        });
        return { text: `Next: countersign site join --dir ${options.dir} --config FILE`, json: config };
      }),
    );
  site
    .command('join')
    .description('join this machine to the organization (device registration)')
    .requiredOption('--dir <dir>', 'the site')
    .requiredOption(
      '--config <file>',
      'the settings of the provisioning; the device lies in their state directory',
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ countersign site join --dir site --config hello.json')
    .action((options) =>
      report(options, async () => {
        const { devices } = await openSite(options.dir);
        const { stateDirectory } = await readHelloConfig(options.config);
        const { deviceId, registeredAt } = await joinDevice(stateDirectory, devices);
        return { text: `device ${deviceId}`, json: { deviceId, registeredAt: registeredAt.toISOString() } };
      }),
    );
  site
    .command('authenticator')
    .description("give a user a new authenticator (TOTP); prints the secret for the user's app, once")
    .requiredOption('--dir <dir>', 'the site')
    .requiredOption('--upn <upn>', 'the user')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  $ countersign site authenticator --dir site --upn alice@contoso.test | qrencode -t ansiutf8',
    )
    .action((options) =>
      report(options, async () => {
        const { verifier } = await openSite(options.dir);
        const uri = await verifier.enroll(options.upn);
        return { text: uri, json: { upn: options.upn, uri } };
      }),
    );
  site
    .command('run')
    .description('run the services until interrupted')
    .requiredOption('--dir <dir>', 'the site')
    .option('--ca-pin-file <file>', "read the CA key's PIN from this file")
    .option('--ra-pin-file <file>', "read the RA key's PIN from this file")
    .option('--json', 'print one JSON document when they run')
    .addHelpText('after', '\nExample:\n  $ countersign site run --dir site')
    .action(async (options) => {
      await withSite(
        options.dir,
        {
          caPin: { pinFile: options.caPinFile },
          raPin: { pinFile: options.raPinFile },
          onFailure: (error) => {
            say(`failed: ${error instanceof Error ? error.message : String(error)}`);
          },
          onSync: ({ added, removed, refused, endedAt }) => {
            say(`${endedAt.toISOString()} synced: ${added} added, ${removed} removed, ${refused} refused`);
          },
        },
        async ({ urls }) => {
          await report(options, async () => ({ text: table(Object.entries(urls)), json: { urls } }));
          await untilInterrupted();
        },
      );
    });
  site
    .command('sync')
    .description('sync keys to the directory on premises now, or say when that was and will be')
    .requiredOption('--dir <dir>', 'the site')
    .option('--status', 'change nothing: print the last and the next run')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ countersign site sync --dir site\n  $ countersign site sync --dir site --status',
    )
    .action((options) =>
      report(options, async () => {
        return withSiteSync(options.dir, async (sync) => {
          const refusedKeys = options.status === true ? [] : (await sync.run()).refusedKeys;
          const { lastRun, nextRunAt } = await sync.status();
          const lines: (readonly [string, string])[] = [
            ['last run', lastRun === undefined ? 'never' : lastRun.endedAt.toISOString()],
            ...(lastRun === undefined
              ? []
              : ([
                  ['added', String(lastRun.added)],
                  ['removed', String(lastRun.removed)],
                  ['refused', String(lastRun.refused)],
                  ['failure', lastRun.failure ?? 'none'],
                ] as const)),
            ...refusedKeys.map(({ upn, reason }) => ['refused', `${upn}: ${reason}`] as const),
            [
              'next run',
              nextRunAt === undefined ? 'at once, when the services run' : nextRunAt.toISOString(),
            ],
          ];
          return { text: table(lines), json: { lastRun, nextRunAt, refusedKeys } };
        });
      }),
    );
  return site;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
