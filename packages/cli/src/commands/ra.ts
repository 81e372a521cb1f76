import { Command, Option } from '@commander-js/extra-typings';
import { Name } from '@countersign/core';
import { initRa, withRa } from '../authorities/ra-state.ts';
import { readRequestFile } from '../files/input-files.ts';
import { assertWritable, writeArtifact } from '../files/output-files.ts';
import { report, table } from '../terminal/report.ts';
import { algorithmOption } from './algorithm-option.ts';
import { certificateJson, certificateRows } from './certificate-view.ts';

export function raCommand(): Command {
  const ra = new Command('ra');
  ra.command('init')
    .description('make a registration authority: its key and, from the CA, its enrollment agent certificate')
    .requiredOption('--dir <dir>', 'the new registration authority; must not exist or be empty')
    .requiredOption('--ca <dir>', 'the CA; its directory of users becomes this one')
    .option('--provider <uri>', 'where the key lives', 'memory:')
    .option('--subject <dn>', 'its name (RFC 4514)', 'CN=Countersign Registration Authority')
    .addOption(algorithmOption())
    .option(
      '--pin-file <file>',
      "the new key's PIN (default: COUNTERSIGN_PIN, or a random one kept beside the key)",
    )
    .option(
      '--endorsement-roots <file>',
      "certificates of the TPM manufacturers to trust (PEM), where the CA's policy is to look at attestations",
    )
    .option('--ca-pin-file <file>', "read the CA key's PIN from this file")
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ countersign ra init --dir ra --ca ca')
    .action((options) =>
      report(options, async () => {
        const certificate = await initRa(options.dir, {
          ...options,
          subject: Name.fromString(options.subject),
          pin: { pinFile: options.pinFile },
          caPin: { pinFile: options.caPinFile },
        });
        return {
          text: table(certificateRows(certificate)),
          json: { dir: options.dir, ...certificateJson(certificate) },
        };
      }),
    );
  ra.command('countersign')
    .description('vouch for a request: its key must be registered for the requester')
    .requiredOption('--dir <dir>', 'the registration authority')
    .requiredOption('--request <file>', 'the PKCS#10 request, PEM or DER')
    .requiredOption('--requester <upn>', 'the user that the certificate is for')
    .addOption(
      new Option('--format <format>', 'what the CA gets')
        .choices(['cms', 'cmc'] as const)
        .default('cms' as const),
    )
    .requiredOption('--out <file>', 'write the countersigned request here (DER)')
    .option('--pin-file <file>', "read the RA key's PIN from this file")
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  $ countersign ra countersign --dir ra --request request.pem --requester alice@contoso.test --out request.cms',
    )
    .action((options) =>
      report(options, async (say) => {
        const request = await readRequestFile(options.request);
        await assertWritable(options.out);
        const { der, requester } = await withRa(options.dir, options, (opened) =>
          opened.countersign(request, options.requester, { format: options.format }),
        );
        await writeArtifact(options.out, der);
        say(`countersigned for ${requester.upn} (${requester.account})`);
        return { text: '', json: { requester: requester.upn, account: requester.account, out: options.out } };
      }),
    );
  return ra;
}
